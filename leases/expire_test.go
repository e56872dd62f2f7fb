package leases

import (
	"net/netip"
	"testing"
	"time"
)

func TestExpiry(t *testing.T) {
	s, clock := table(t, Times{Offer: 10 * time.Second, Affinity: 50 * time.Second},
		Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.200")}})
	var addrs []netip.Addr
	for i := range 100 {
		addrs = append(addrs, lease(t, s, 2*i, nil, 100))
	}
	lease(t, s, 202, nil, Infinite)
	var b Batch
	tx := s.Begin(0)
	tx.Decline(&b, addrs[99], clock.now.Unix(), 30)
	tx.End()
	reclaim := func(after time.Duration, limit, want int, more bool) {
		t.Helper()
		clock.now = clock.now.Add(after)
		if n, left := s.Reclaim(&b, clock.now, limit, nil); n != want || left != more {
			t.Errorf("reclaimed %d, more %v; want %d, %v", n, left, want, more)
		}
	}
	reclaim(99*time.Second, 1000, 1, false) // the declined one
	reclaim(time.Second, 10, 10, true)
	reclaim(0, 1000, 89, false)
	if st := s.Stats().Subnets[0]; st.Reclaimed != 99 || st.Active != 1 || st.Declined != 0 {
		t.Errorf("%+v", st)
	}
	if a := lease(t, s, 4, nil, 100); a != addrs[2] {
		t.Errorf("a former client got %v, want its %v", a, addrs[2])
	}
	reclaim(51*time.Second, 1000, 98, false)
	if st := s.Stats().Subnets[0]; st.Reclaimed != 0 || st.Active != 2 {
		t.Errorf("after the affinity: %+v", st)
	}
	reclaim(1_000_000*time.Second, 1000, 2, false) // client 4 is reclaimed and then forgotten
	if st := s.Stats().Subnets[0]; st.Active != 1 {
		t.Errorf("an infinite lease ended: %+v", st)
	}
}

// Only expired leases that are ours are reclaimed (Kea in terminated).
func TestReclaimOwned(t *testing.T) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.200")}})
	for i := range 100 {
		lease(t, s, 2*i, nil, 100)
	}
	clock.now = clock.now.Add(200 * time.Second)
	var b Batch
	odd := func(l *Lease) bool { return l.Addr.As4()[3]%2 == 1 }
	if n, more := s.Reclaim(&b, clock.now, 1000, odd); n != 50 || more {
		t.Errorf("%d, %v", n, more)
	}
	for i := range b.Changes() {
		if l := b.Changes()[i].Lease(); !odd(&l) || b.Changes()[i].Op != Delete {
			t.Errorf("%v was not ours, or kept without affinity", l.Addr)
		}
	}
	if n, _ := s.Reclaim(&b, clock.now, 1000, nil); n != 50 {
		t.Errorf("the rest: %d", n)
	}
}

// Lifetimes of decades and centuries, which are not infinite, neither stop the
// wheel nor end early.
func TestLongLifetimes(t *testing.T) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.200")}})
	for i, lft := range []uint32{1 << 20, 1 << 26, 1 << 30, 1 << 31, Infinite - 1, 60} {
		lease(t, s, 2*i, nil, lft)
	}
	var b Batch
	clock.now = clock.now.Add(61 * time.Second)
	if n, more := s.Reclaim(&b, clock.now, 1000, nil); n != 1 || more {
		t.Errorf("reclaimed %d, more %v; want 1", n, more)
	}
	if n := s.Stats().Subnets[0].Active; n != 5 {
		t.Errorf("%d active leases, want 5", n)
	}
}
