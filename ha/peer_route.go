package ha

import (
	"net/netip"
	"sync/atomic"
)

// route chooses the lane of a change. To a Kea a change is a request, and more
// lanes are more requests at a time. A needletail takes all that has gathered in
// one request: one lane makes the fewest of them, and the work of a request is
// most of what an update costs. Any goroutine may use it.
type route struct {
	one     atomic.Bool  // every change takes the first lane
	pending atomic.Int64 // changes in the lanes, not settled
}

// choose goes by what the peer was found to be. Two changes of an address must
// not be under way in two lanes, so nothing changes while any is; and a peer
// that is silent is taken for what it was.
func (r *route) choose(can ability) {
	if can.known() && r.pending.Load() == 0 {
		r.one.Store(can.batch())
	}
}

// lane returns the lane of an address.
func (p *peer) lane(a netip.Addr) *lane {
	if p.route.one.Load() {
		return p.lanes[0]
	}
	b := a.As4()
	return p.lanes[(uint(b[3])^uint(b[2])*31)%uint(len(p.lanes))]
}
