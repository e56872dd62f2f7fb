package slowpath

import (
	"slices"
	"sync/atomic"
)

// whereMax bounds the relays remembered for one epoch; a partner deaf behind
// more of them is a wider fault than their names would tell.
const whereMax = 16

// relays are those that unacked clients of an epoch sit behind.
type relays [whereMax]atomic.Uint64 // giaddr with bit 32 set; 0: empty

// note records a relay; 0 stands for clients on a link of ours.
func (r *relays) note(giaddr uint32) {
	value := uint64(giaddr) | 1<<32
	for i := range r {
		if r[i].CompareAndSwap(0, value) || r[i].Load() == value {
			return
		}
	}
}

func (r *relays) names() []string {
	var out []string
	for i := range r {
		switch v := r[i].Load(); {
		case v == 0:
		case uint32(v) == 0:
			out = append(out, "no relay")
		default:
			out = append(out, "relay "+netAddr(uint32(v)).String())
		}
	}
	slices.Sort(out)
	return out
}

// UnackedWhere names the relays that relationship i's unacked clients of the
// present epoch sit behind, at most 16 of them.
func (f *Filter) UnackedWhere(i int) []string {
	if s := f.scopes[i].Load(); s != nil && s.unacked != nil {
		return s.unacked.where.names()
	}
	return nil
}
