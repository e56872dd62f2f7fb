package ha

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"needletail/leases"
)

// put stores a lease silently, as if it were old.
func (n *node) put(addr string, state leases.State, cltt time.Time, mac byte) {
	n.t.Helper()
	var b leases.Batch
	l := leases.Lease{Addr: netip.MustParseAddr(addr), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, mac},
		CLTT: time.Unix(cltt.Unix(), 0), ValidLft: 600, State: state}
	if _, err := n.store.Put(&b, &l); err != nil {
		n.t.Fatal(err)
	}
	if err := commit(n.store, &b); err != nil {
		n.t.Fatal(err)
	}
}

// A sync between needletails carries what a sync from a Kea cannot: releases
// and deletions; and what is newer here stays.
func TestStreamCarriesEndings(t *testing.T) {
	a, b := freePort(t), freePort(t)
	survivor := startNode(t, pairConfig("server1", "load-balancing", a, b))
	back := testStore(t, "")
	old := &node{t: t, store: back}
	before, now := time.Now().Add(-time.Minute), time.Now()
	for i, addr := range []string{"192.0.2.20", "192.0.2.21", "192.0.2.22", "192.0.2.23"} {
		survivor.put(addr, leases.Active, before, byte(i))
		old.put(addr, leases.Active, before, byte(i))
	}
	survivor.reach(PartnerDown)
	survivor.put("192.0.2.20", leases.Released, before, 0)
	survivor.forget("192.0.2.21")
	survivor.put("192.0.2.22", leases.Declined, now, 2)
	old.put("192.0.2.23", leases.Active, now, 77)
	survivor.forget("192.0.2.24") // nobody had it

	returned := startNodeOn(t, back, pairConfig("server2", "load-balancing", a, b))
	returned.reach(LoadBalancing)
	for addr, want := range map[string]leases.State{"192.0.2.20": leases.Released, "192.0.2.22": leases.Declined, "192.0.2.23": leases.Active} {
		if l, ok := back.Get(netip.MustParseAddr(addr)); !ok || l.State != want {
			t.Errorf("%s: %v %v, want %v", addr, ok, l.State, want)
		}
	}
	if l, ok := back.Get(netip.MustParseAddr("192.0.2.21")); ok {
		t.Errorf("a deletion did not travel: %+v", l)
	}
	if l, _ := back.Get(netip.MustParseAddr("192.0.2.23")); l.HW[5] != 77 {
		t.Errorf("a newer lease was overwritten by an older one: %+v", l)
	}
}

// What a server has deleted does not come back by a sync from a partner that
// has not heard of it.
func TestSyncDoesNotRaiseTheDead(t *testing.T) {
	a, b := freePort(t), freePort(t)
	one := startNode(t, pairConfig("server1", "load-balancing", a, b))
	before := time.Now().Add(-time.Minute)
	one.put("192.0.2.20", leases.Active, before, 1)
	one.forget("192.0.2.20")
	two := testStore(t, "")
	(&node{t: t, store: two}).put("192.0.2.20", leases.Active, before, 1)
	other := startNodeOn(t, two, pairConfig("server2", "load-balancing", a, b))
	one.reach(LoadBalancing)
	other.reach(LoadBalancing)
	if l, ok := one.store.Get(netip.MustParseAddr("192.0.2.20")); ok {
		t.Errorf("came back: %+v", l)
	}
}

// churn changes random leases of the survivor as its clients would, one after the
// other, until stop, and returns how many the partner refused.
func churn(t *testing.T, n *node, seed uint64, stop <-chan struct{}) (refused int) {
	r := rand.New(rand.NewPCG(seed, 1))
	for {
		select {
		case <-stop:
			return refused
		default:
		}
		addr := addrOf(10<<24 + 1 + uint32(r.IntN(100_000)))
		var b leases.Batch
		b.Query(0, 0)
		if r.IntN(4) == 0 {
			n.store.Delete(&b, addr)
		} else {
			l := leases.Lease{Addr: addr, SubnetID: 2, HType: 1, HW: []byte{2, 1, 0, 0, byte(seed), byte(r.IntN(256))},
				CLTT: time.Unix(time.Now().Unix(), 0), ValidLft: 600, State: leases.State(3 * r.IntN(2))}
			if _, err := n.store.Put(&b, &l); err != nil {
				t.Error(err)
			}
		}
		if !n.replicate(&b) {
			refused++
		}
	}
}

// The partner serves on while it is synchronised from: nothing it does
// meanwhile is missed, and it is silent at no time.
func TestStreamWhilePartnerServes(t *testing.T) {
	a, b := freePort(t), freePort(t)
	survivor := startNode(t, pairConfig("server1", "hot-standby", a, b))
	fill(t, survivor.store, 100_000)
	survivor.reach(PartnerDown)
	stop, refused := make(chan struct{}), make(chan int, 1)
	go func() { refused <- churn(t, survivor, 1, stop) }()
	silent := false
	returned := startNode(t, pairConfig("server2", "hot-standby", a, b))
	waitFor(t, "both are back to normal", func() bool {
		silent = silent || !survivor.filters.scope(0).Enabled
		return survivor.status(0).State == HotStandby && returned.status(0).State == HotStandby
	})
	close(stop)
	// A busy machine takes two syncs, and the second overtakes what is on its way (errLate).
	if n := <-refused; n > 1 {
		t.Errorf("%d updates were refused", n)
	}
	if silent {
		t.Error("the partner was silent during the sync")
	}
	ours, theirs := allOf(survivor.store), allOf(returned.store)
	for addr, l := range ours {
		if theirs[addr] != l {
			t.Errorf("%s: the survivor has %s, the other %s", addr, l, theirs[addr])
		}
	}
	if len(ours) != len(theirs) || !maps.Equal(ours, theirs) {
		t.Errorf("%d leases and %d", len(ours), len(theirs))
	}
}

// allOf is a store's content, by address.
func allOf(s *leases.Store) map[string]string {
	out := map[string]string{}
	for _, l := range s.All() {
		out[l.Addr.String()] = string(appendPut(nil, &l))
	}
	return out
}

// A sync that breaks off begins anew and ends well.
func TestInterruptedStreamRestarts(t *testing.T) {
	a, b := freePort(t), freePort(t)
	survivor := startNode(t, pairConfig("server1", "hot-standby", a, b))
	fill(t, survivor.store, 200_000)
	survivor.reach(PartnerDown)
	returned := startNode(t, pairConfig("server2", "hot-standby", a, b))
	breaks := 0
	waitFor(t, "the sync is broken twice and ends", func() bool {
		if s := &survivor.links[0].partner.stream; breaks < 2 && returned.status(0).State == Syncing && s.touch(time.Now()) {
			s.end()
			breaks++
		}
		return breaks == 2 && returned.status(0).State == HotStandby
	})
	if got := len(returned.store.All(2)); got != 200_000 {
		t.Errorf("%d leases arrived, want 200000", got)
	}
}

// A deletion that a sync brings keeps its time: dated now, the next sync would take
// it for one of the lease that the address has had since.
func TestStreamedDeletionKeepsItsTime(t *testing.T) {
	n := &node{t: t, store: testStore(t, "")}
	now := time.Unix(time.Now().Unix(), 0)
	for at, want := range map[time.Duration]time.Duration{-time.Minute: -time.Minute, time.Hour: 0} {
		n.put("192.0.2.20", leases.Active, now.Add(-time.Hour), 7)
		m := newMerger(n.store, nil, new(touched))
		e := entry{Op: opDelete, At: now.Add(at), Lease: leases.Lease{Addr: netip.MustParseAddr("192.0.2.20")}}
		if err := m.entry(&e); err != nil {
			t.Fatal(err)
		}
		gone, _ := n.store.Deleted(0, 100)
		if got := time.Unix(gone[len(gone)-1].At, 0).Sub(now); (got - want).Abs() > 2*time.Second {
			t.Errorf("deleted at %s, remembered as %s", at, got)
		}
	}
}

// An update that came since a sync began is newer than what a page says, and so
// stays; but one that had waited, in the socket of a stopped process, is not.
func TestPagesAgainstUpdates(t *testing.T) {
	old, now := time.Now().Add(-time.Minute), time.Now()
	for _, c := range []struct {
		name             string
		update, page     time.Time
		gone, pageStands bool
	}{
		{name: "newer than the page", update: now, page: old},
		{name: "as old as the page", update: now, page: now},
		{name: "older than the page", update: old, page: now, pageStands: true},
		{name: "a deletion", page: now, gone: true},
	} {
		n := &node{t: t, store: testStore(t, "")}
		var tt touched
		tt.begin()
		addr := netip.MustParseAddr("192.0.2.20")
		tt.add(addr)
		if !c.gone {
			n.put(addr.String(), leases.Active, c.update, 1)
		}
		page := leases.Lease{Addr: addr, SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, 1}, CLTT: time.Unix(c.page.Unix(), 0), State: leases.Released}
		m := newMerger(n.store, nil, &tt)
		if err := m.entry(&entry{Lease: page}); err != nil {
			t.Fatal(err)
		}
		got, ok := n.store.Get(addr)
		if ok == c.gone || (ok && got.State == leases.Released) != c.pageStands {
			t.Errorf("%s: there %v, %v", c.name, ok, got.State)
		}
	}
}

// Who slept while we served alone has addresses of ours for others, newer than
// ours, which it never promised. Where we may keep ours no page takes them, but
// for those that we did not promise either, and what it told us itself.
func TestPagesOfASleeper(t *testing.T) {
	now := time.Unix(time.Now().Unix(), 0)
	for _, c := range []struct {
		name   string
		keeps  bool
		told   bool          // not we gave it away
		before time.Duration // what was given away is older by
		state  leases.State  // of the page's
		client byte          // of the page's; ours is 1
		taken  bool
	}{
		{"another client's", true, false, time.Minute, leases.Active, 2, false},
		{"beside one that may have served alone", false, false, time.Minute, leases.Active, 2, true},
		{"our client's own", true, false, time.Minute, leases.Active, 1, true},
		{"ours has expired", true, false, 3 * time.Hour, leases.Active, 2, true},
		{"a declined address", true, false, time.Minute, leases.Declined, 2, true},
		{"its own word of before", true, true, time.Minute, leases.Active, 2, true},
	} {
		n := &node{t: t, store: testStore(t, "")}
		n.grant(netip.MustParseAddr("192.0.2.20"), now.Add(-c.before), 1)
		if c.told {
			n.put("192.0.2.20", leases.Active, now.Add(-c.before), 1)
		}
		m := newMerger(n.store, nil, new(touched))
		m.policy = func() Policy { return Policy{Alone: true, Keeps: c.keeps} }
		page := leases.Lease{Addr: netip.MustParseAddr("192.0.2.20"), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, c.client}, CLTT: now, ValidLft: 3600, State: c.state}
		if err := m.entry(&entry{Lease: page}); err != nil {
			t.Fatal(err)
		}
		if got, _ := n.store.Get(page.Addr); got.CLTT.Equal(now) != c.taken {
			t.Errorf("%s: taken %v, have %+v", c.name, !c.taken, got)
		}
	}
}

// A lease that we made in our last moment, of which nobody was told, makes way for that
// of a partner which served alone from then on: their times may be the same.
func TestPagesOfASurvivor(t *testing.T) {
	now := time.Unix(time.Now().Unix(), 0)
	for _, c := range []struct {
		name   string
		yields bool
		after  time.Duration // ours is younger by
		valid  uint32        // of the page's
		client byte          // of the page's; ours is 1
		taken  bool
	}{
		{"at the same time", true, 0, 3600, 2, true},
		{"in doubt", true, slackMax, 3600, 2, true},
		{"certainly older", true, slackMax + time.Second, 3600, 2, false},
		{"we served alone, too", false, 0, 3600, 2, false},
		{"expired", true, slackMax, 1, 2, false},
		{"our client's own", true, slackMax, 3600, 1, false},
	} {
		n := &node{t: t, store: testStore(t, "")}
		n.put("192.0.2.20", leases.Active, now, 1)
		m := newMerger(n.store, nil, new(touched))
		m.policy = func() Policy { return Policy{Yields: c.yields} }
		page := leases.Lease{Addr: netip.MustParseAddr("192.0.2.20"), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, c.client}, CLTT: now.Add(-c.after), ValidLft: c.valid}
		if err := m.lease(&page); err != nil {
			t.Fatal(err)
		}
		if got, _ := n.store.Get(page.Addr); (got.ValidLft == c.valid && got.HW[5] == c.client && c.client != 1) != c.taken {
			t.Errorf("%s: taken %v, have %+v", c.name, !c.taken, got)
		}
	}
}

// Who begins a needletail's sync is a needletail, whatever was known of it: the
// changes of the meantime go to it as to one.
func TestReaderIsKnown(t *testing.T) {
	n, k := withFakeKea(t)
	p := n.links[0].partner
	if p.ability().batch() {
		t.Fatal("a Kea passes for a needletail")
	}
	k.set(func() { k.hang["ha-heartbeat"] = true }) // nothing else is learnt meanwhile
	if a := n.ask(t, openName, arguments{"server-name": "server2"}); a.Result != 0 {
		t.Fatalf("%+v", a)
	}
	if !p.ability().batch() || p.lane(netip.MustParseAddr("192.0.2.7")) != p.lanes[0] {
		t.Error("a reader of our leases by needletail-sync-open is still taken for a Kea")
	}
}
