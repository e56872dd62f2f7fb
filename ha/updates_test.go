package ha

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"needletail/internal/clock"
	"needletail/internal/config"
	"needletail/leases"
)

// Two workers change one address and hand it over in the wrong order: the
// partner ends with the later change, and the earlier one's client asks again.
func TestUpdatesOfAnAddressKeepTheirOrder(t *testing.T) {
	one, two := startPair(t, "load-balancing")
	one.reach(LoadBalancing)
	two.reach(LoadBalancing)
	var earlier, later leases.Batch
	for i, b := range []*leases.Batch{&earlier, &later} {
		b.Query(0, 0)
		if _, err := one.store.Put(b, &leases.Lease{Addr: netip.MustParseAddr("192.0.2.20"), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, byte(i)}, CLTT: time.Unix(1795288855, 0), ValidLft: 600}); err != nil {
			t.Fatal(err)
		}
	}
	if !one.replicate(&later) {
		t.Error("the later change was refused")
	}
	if one.replicate(&earlier) {
		t.Error("the earlier change was sent after the later one")
	}
	if l, _ := two.store.Get(netip.MustParseAddr("192.0.2.20")); len(l.HW) == 0 || l.HW[5] != 1 {
		t.Errorf("the partner has %+v", l)
	}
}

// A batch of many queries is acknowledged query by query: one conflict refuses
// one reply.
func TestOneConflictRefusesOneReply(t *testing.T) {
	one, two := startPair(t, "load-balancing")
	one.reach(LoadBalancing)
	two.reach(LoadBalancing)
	if err := one.store.Configure(append(testNetworks(), strangeNetwork)); err != nil {
		t.Fatal(err)
	}
	var b leases.Batch
	for i, addr := range []string{"192.0.2.20", "198.51.100.1", "192.0.2.22"} {
		b.Query(uint32(i), 0)
		id := uint32(1)
		if i == 1 {
			id = 9 // a subnet the partner does not have
		}
		if _, err := one.store.Put(&b, &leases.Lease{Addr: netip.MustParseAddr(addr), SubnetID: id, HType: 1, HW: []byte{2, 0, 0, 0, 0, byte(i)}, CLTT: time.Unix(1795288855, 0), ValidLft: 600}); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	if !one.Replicate(&b, func(*leases.Batch) { close(done) }) {
		t.Fatal("nothing was awaited")
	}
	<-done
	for i, q := range b.Queries() {
		if want := i != 1; q.OK != want {
			t.Errorf("query %d: reply leaves %v, want %v", i, q.OK, want)
		}
	}
	waitFor(t, "the client is counted as rejected", func() bool { return one.status(0).Rejected == 1 })
	if got := one.status(0).State; got != LoadBalancing {
		t.Errorf("a conflict moved the state to %v", got)
	}
}

// parked-packet-limit counts as it is given, also 0; without it the
// relationships share our own bound, never less than Kea's.
func TestParkedMax(t *testing.T) {
	for _, c := range []struct {
		limit, relationships int
		given                bool
		want                 int64
	}{
		{256, 1, false, 8192}, {256, 4, false, 2048}, {256, 64, false, 256},
		{256, 1, true, 256}, {10, 1, true, 10}, {0, 1, true, parkedHardMax},
	} {
		conf := &config.Dhcp4{ParkedPacketLimit: c.limit, ParkedGiven: c.given, HA: make([]*config.Relationship, c.relationships)}
		if got := parkedMax(conf); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// late is a clock that is a minute behind.
type late struct{}

func (late) Now() time.Time { return time.Now().Add(-time.Minute) }

// A deletion tells when it was made, not when it is sent: what was given away
// meanwhile it leaves alone, whichever way it takes.
func TestDeletionsTellTheirTime(t *testing.T) {
	one, two := startPair(t, "load-balancing")
	one.reach(LoadBalancing)
	two.reach(LoadBalancing)
	waitFor(t, "server1 knows its partner", func() bool { return one.links[0].partner.ability().batch() })
	addr := netip.MustParseAddr("192.0.2.20")
	direct := func(b *leases.Batch) {
		if !one.replicate(b) {
			t.Error("a deletion was refused")
		}
	}
	queued := func(b *leases.Batch) {
		backlog := one.machine.Backlog(0)
		backlog.start(10)
		one.links[0].queue(b.Changes())
		var us [1]Update
		backlog.Drain().Peek(us[:])
		if n, err := one.links[0].partner.sendBatch(us[:]); n != 1 || err != nil {
			t.Error(n, err)
		}
	}
	for name, way := range map[string]func(*leases.Batch){"direct": direct, "queued": queued} {
		for made, stays := range map[clock.Clock]bool{late{}: true, clock.Wall{}: false} {
			store, err := leases.Open(context.Background(), leases.Options{Clock: made})
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Configure(testNetworks()); err != nil {
				t.Fatal(err)
			}
			(&node{t: t, store: store}).put(addr.String(), leases.Active, time.Now().Add(-time.Hour), 1)
			var b leases.Batch
			b.Query(0, 0)
			store.Delete(&b, addr)

			two.grant(addr, time.Now().Add(-30*time.Second), 7)
			way(&b)
			if _, ok := two.store.Get(addr); ok != stays {
				t.Errorf("%s, made by %T: the lease is there %v, want %v", name, made, ok, stays)
			}
			two.forget(addr.String())
		}
	}
}

// grant gives an address to a client as a query does.
func (n *node) grant(a netip.Addr, at time.Time, mac byte) {
	n.t.Helper()
	var b leases.Batch
	b.Query(0, 0)
	who := leases.NewClient(1, []byte{2, 0, 0, 0, 0, mac}, nil)
	tx := n.store.Begin(0)
	err := tx.Commit(&b, a, &who, &leases.Grant{CLTT: at.Unix(), ValidLft: 600})
	tx.End()
	if err == nil {
		err = n.store.Write(&b)
	}
	if err != nil {
		n.t.Fatal(err)
	}
}
