package fastpath

import (
	"fmt"

	"github.com/cilium/ebpf"

	"needletail/internal/netif"
)

// Trial asks the program about frames that no interface received: what would
// it do with this one? Scopes and subnets are the Path's, and counters count.
// It is how the program is compared with user space. One goroutine may use it.
type Trial struct {
	path   *Path
	loaded *loaded
	before []Verdict
}

// Fate is what became of a frame.
type Fate struct {
	Dropped bool
	Verdict string // as in abi.h
}

// Trial loads the program once more, attached to nothing, as one of the picked
// interfaces has it.
func (p *Path) Trial(i netif.Picked, picked []netif.Picked) (*Trial, error) {
	l, err := p.program(0)
	if err != nil {
		return nil, err
	}
	if err := l.follow(i, picked); err != nil {
		l.Close()
		return nil, err
	}
	return &Trial{path: p, loaded: l, before: p.Verdicts()}, nil
}

// runContext is struct xdp_md, of a run of the program.
type runContext struct{ Data, DataEnd, DataMeta, Ingress, Queue, Egress uint32 }

// actionDrop is XDP_DROP of linux/bpf.h.
const actionDrop = 1

// Ask runs the program on a frame of 14 bytes or more, as received by an
// interface of the calling thread's namespace.
func (t *Trial) Ask(frame []byte, ifindex int) (f Fate, err error) {
	action, err := t.loaded.program.Run(&ebpf.RunOptions{
		Data:    frame,
		Context: runContext{DataEnd: uint32(len(frame)), Ingress: uint32(ifindex)},
	})
	if err != nil {
		return f, fmt.Errorf("try a frame of %d bytes: %w", len(frame), err)
	}
	f.Dropped = action == actionDrop
	now := t.path.Verdicts()
	for v := range now {
		if now[v].Frames != t.before[v].Frames {
			f.Verdict = now[v].Name
		}
	}
	t.before = now
	return f, nil
}

// Close unloads the program.
func (t *Trial) Close() error { return t.loaded.Close() }
