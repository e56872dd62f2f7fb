package fastpath

import "needletail/bpf"

// Verdict is a way out of the program and how many frames took it, on all
// interfaces, since the Path was opened.
type Verdict struct {
	Name   string // as in abi.h: "out-of-scope"
	Frames uint64
}

// Verdicts reads the counters, in the order of abi.h.
func (p *Path) Verdicts() []Verdict {
	all := make([]Verdict, len(p.verdicts))
	for v, name := range p.verdicts {
		all[v].Name = name
		var cpus []uint64
		if p.maps.Counters.Lookup(bpf.DhcpVerdict(v), &cpus) != nil {
			continue // closed
		}
		for _, n := range cpus {
			all[v].Frames += n
		}
	}
	return all
}
