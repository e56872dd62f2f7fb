package fastpath

import (
	"github.com/cilium/ebpf"

	"needletail/bpf"
)

// Verdict is a way out of the program and how many frames took it, on all
// interfaces, since the Path was opened.
type Verdict struct {
	Name   string // as in abi.h: "out-of-scope"
	Frames uint64
}

// Verdicts reads the counters, in the order of abi.h; all 0 once it is closed.
func (p *Path) Verdicts() []Verdict {
	all := make([]Verdict, len(p.verdicts))
	cpus := ebpf.MustPossibleCPU()
	keys, counts := make([]bpf.DhcpVerdict, len(all)), make([]uint64, len(all)*cpus)
	var at ebpf.MapBatchCursor
	_, _ = p.maps.Counters.BatchLookup(&at, keys, counts, nil)
	for v, name := range p.verdicts {
		all[v].Name = name
		for _, n := range counts[v*cpus:][:cpus] {
			all[v].Frames += n
		}
	}
	return all
}
