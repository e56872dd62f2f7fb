package leases

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

// An offer to a client that has a lease leaves the lease alone, and an offer
// over a former lease gives way to it.
func TestOfferOverLease(t *testing.T) {
	s, clock := table(t, Times{Offer: 10 * time.Second, Affinity: time.Hour},
		Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.1")}})
	a := lease(t, s, 2, nil, 100)
	who, other := testClient(2), testClient(4)
	tx := s.Begin(0)
	defer tx.End()
	now := clock.now.Unix()
	if !tx.Offer(a, &who, now) {
		t.Error("no offer of the client's own address")
	}
	if v, ok := tx.Allocate(0, nil, &who, netip.Addr{}, now); !ok || v.Addr != a || v.State != Active {
		t.Errorf("%+v %v", v, ok)
	}
	if v, ok := tx.Allocate(0, nil, &other, netip.Addr{}, now+50); ok {
		t.Errorf("someone else's active lease was allocated: %+v", v)
	}
	if tx.Offer(a, &other, now+50) {
		t.Error("someone else's active lease was offered")
	}
	var b Batch
	tx.Release(&b, a, now+50)
	if v, ok := tx.Allocate(0, nil, &who, netip.Addr{}, now+51); !ok || v.State != Offered || v.Under != Released {
		t.Errorf("%+v %v", v, ok)
	}
	if _, ok := tx.Allocate(0, nil, &other, netip.Addr{}, now+60); ok {
		t.Error("an offer that stands was taken away")
	}
	if v, ok := tx.Allocate(0, nil, &other, netip.Addr{}, now+62); !ok || v.Under != Free || !v.Mine {
		t.Errorf("after the offer: %+v %v", v, ok)
	}
}

// In a pool full of offers the oldest gives way, though not at once; its client
// is then too late.
func TestOldOfferGivesWay(t *testing.T) {
	s, clock := table(t, Times{Offer: time.Minute}, Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.2")}})
	client := func(n byte) *Client {
		c := NewClient(1, []byte{2, 0, 0, 0, 0, n}, nil)
		return &c
	}
	start := clock.Now().Unix()
	allocate := func(n byte, at int64) string {
		tx := s.Begin(0)
		defer tx.End()
		v, ok := tx.Allocate(0, nil, client(n), netip.Addr{}, start+at)
		if !ok {
			return "none"
		}
		return v.Addr.String()
	}
	for _, c := range []struct {
		client byte
		at     int64
		want   string
	}{
		{1, 0, "192.0.2.1"}, {2, 1, "192.0.2.2"},
		{3, 9, "none"}, {3, 10, "192.0.2.1"}, {4, 10, "none"}, {1, 10, "none"}, {1, 11, "192.0.2.2"},
	} {
		if got := allocate(c.client, c.at); got != c.want {
			t.Errorf("client %d at %d s: %s, want %s", c.client, c.at, got, c.want)
		}
	}
	var b Batch
	tx := s.Begin(0)
	defer tx.End()
	a := netip.MustParseAddr("192.0.2.2")
	if err := tx.Commit(&b, a, client(2), &Grant{CLTT: start + 12, ValidLft: 60}); !errors.Is(err, ErrTaken) {
		t.Errorf("the client whose offer gave way: %v", err)
	}
	if err := tx.Commit(&b, a, client(1), &Grant{CLTT: start + 12, ValidLft: 60}); err != nil {
		t.Errorf("the client who has it now: %v", err)
	}
}

// Offers that were made for longer, or by a clock that was ahead, neither last
// longer than one made now nor hide those behind them.
func TestOffersOutOfOrder(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(s *Store, clock *fakeClock)
	}{
		{"a shorter offer-lifetime", func(s *Store, _ *fakeClock) { s.SetTimes(Times{Offer: 10 * time.Second}) }},
		{"the clock goes back", func(_ *Store, clock *fakeClock) { clock.now = clock.now.Add(-time.Hour) }},
	} {
		s, clock := table(t, Times{Offer: time.Minute}, Network{Subnets: []Subnet{testSubnet(1, "10.0.0.0/8", "10.0.0.1", "10.0.0.200")}})
		offer := func(i int) bool {
			who := testClient(7 * i)
			tx := s.Begin(0)
			defer tx.End()
			_, ok := tx.Allocate(0, nil, &who, netip.Addr{}, clock.now.Unix())
			return ok
		}
		for i := range 100 {
			offer(i)
		}
		c.change(s, clock)
		for i := range 100 {
			offer(100 + i)
		}
		var b Batch
		s.Reclaim(&b, clock.now, 1000, nil) // looks at each once, and ends none
		if st := s.Stats().Subnets[0]; st.Offered != 200 || offer(200) {
			t.Errorf("%s: %d offers at once, want 200, and none for another client", c.what, st.Offered)
		}
		clock.now = clock.now.Add(time.Duration(s.times.Offer))
		s.Reclaim(&b, clock.now, 1000, nil)
		if st := s.Stats().Subnets[0]; st.Offered != 0 {
			t.Errorf("%s: %d offers are left when all should be over", c.what, st.Offered)
		}
	}
}
