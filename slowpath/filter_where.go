package slowpath

import (
	"net/netip"
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

func (r *relays) list() (out []netip.Addr) {
	for i := range r {
		if v := r[i].Load(); v != 0 {
			out = append(out, netAddr(uint32(v)))
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// UnackedRelays returns the relays that relationship i's unacked clients of the
// present epoch sit behind, at most 16 of them, and 0.0.0.0 for clients on a link
// of ours.
func (f *Filter) UnackedRelays(i int) []netip.Addr {
	if s := f.scopes[i].Load(); s != nil && s.unacked != nil {
		return s.unacked.where.list()
	}
	return nil
}
