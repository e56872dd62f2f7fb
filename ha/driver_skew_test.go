package ha

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"needletail/leases"
)

// Times of a partner whose clock differs are put on ours; the second that a
// measurement may be off is left alone.
func TestOurs(t *testing.T) {
	for by, want := range map[time.Duration]time.Duration{
		0: 0, time.Second: 0, -time.Second: 0, 2 * time.Second: -2 * time.Second, -40 * time.Second: 40 * time.Second,
	} {
		var l link
		l.skew.Store(int64(by))
		if got := l.clock().Ours(t0).Sub(t0); got != want {
			t.Errorf("skew %s: moved by %s, want %s", by, got, want)
		}
	}
}

// A stream from a partner whose clock differs: what it has ended or deleted ends
// here, and what was given away since stays, whichever clock is ahead.
func TestStreamUnderSkew(t *testing.T) {
	const gone = leases.State(99)
	addr := netip.MustParseAddr("192.0.2.20")
	for _, ahead := range []time.Duration{0, 25 * time.Second, -25 * time.Second} {
		for _, c := range []struct {
			name string
			op   op
			ago  time.Duration // when it happened; a release tells when its client was last heard
			mac  byte
			want leases.State // of our lease of client 7, whom we heard 20 s ago; gone: none
		}{
			{"an older deletion", opDelete, 25 * time.Second, 0, leases.Active},
			{"a newer deletion", opDelete, 10 * time.Second, 0, gone},
			{"the release of this lease", opPut, 20 * time.Second, 7, leases.Released},
			{"the same, the skew measured a second off", opPut, 21 * time.Second, 7, leases.Released},
			{"the release of an older lease", opPut, 25 * time.Second, 7, leases.Active},
			{"the release by another client", opPut, 20 * time.Second, 8, leases.Active},
		} {
			if ahead == 0 && c.ago == 21*time.Second {
				continue // equal clocks tell the second
			}
			n := &node{t: t, store: testStore(t, "")}
			now := time.Unix(time.Now().Unix(), 0)
			n.put("192.0.2.20", leases.Active, now.Add(-20*time.Second), 7)
			m := newMerger(n.store, nil, new(touched))
			m.clock = Clock{ahead}
			then := now.Add(ahead - c.ago)
			e := entry{Op: c.op, At: then, Lease: leases.Lease{Addr: addr, SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, c.mac}, CLTT: then, State: leases.Released}}
			if err := m.entry(&e); err != nil {
				t.Fatal(err)
			}
			if err := m.finish(); err != nil {
				t.Fatal(err)
			}
			l, ok := n.store.Get(addr)
			if ok != (c.want != gone) || ok && l.State != c.want {
				t.Errorf("partner ahead by %s, %s: %v %v, want %v", ahead, c.name, ok, l.State, c.want)
			}
		}
	}
}

// What we have deleted comes back only if the partner has heard of its client
// since, told by its clock.
func TestGravesUnderSkew(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.20")
	for ago, want := range map[time.Duration]bool{time.Minute: false, -10 * time.Second: true} {
		for _, ahead := range []time.Duration{25 * time.Second, -25 * time.Second} {
			n := &node{t: t, store: testStore(t, "")}
			now := time.Unix(time.Now().Unix(), 0)
			n.put("192.0.2.20", leases.Active, now.Add(-time.Hour), 7)
			n.forget("192.0.2.20")
			m := newMerger(n.store, nil, new(touched))
			m.clock = Clock{ahead}
			if err := m.lease(&leases.Lease{Addr: addr, SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, 8}, CLTT: now.Add(ahead - ago), ValidLft: 600}); err != nil {
				t.Fatal(err)
			}
			if _, ok := n.store.Get(addr); ok != want {
				t.Errorf("partner ahead by %s, heard %s before the deletion: taken over %v, want %v", ahead, ago, ok, want)
			}
		}
	}
}

// A clock that requests tell: a late request does not move it, a change of the
// clock does in the end.
func TestSighting(t *testing.T) {
	var s sighting
	now := t0
	for _, c := range []struct {
		name              string
		wait, ahead, late time.Duration
		want              time.Duration
	}{
		{"the first", 0, 20 * time.Second, 0, 20 * time.Second},
		{"a stopped process", time.Second, 20 * time.Second, 15 * time.Second, 20 * time.Second},
		{"a usual one", 20 * time.Second, 20 * time.Second, time.Millisecond, 20 * time.Second},
		{"the clock was set ahead", time.Second, 25 * time.Second, 0, 25 * time.Second},
		{"the clock was set back", 50 * time.Second, -5 * time.Second, 0, 25 * time.Second},
		{"it is believed", 11 * time.Second, -5 * time.Second, time.Millisecond, -5 * time.Second},
	} {
		now = now.Add(c.wait)
		if got := s.saw(now.Add(c.ahead-c.late), now); got.Ahead != c.want {
			t.Errorf("%s: %s ahead, want %s", c.name, got.Ahead, c.want)
		}
	}
}

// Updates are put on our clock by who sends them, over any socket: a partner's by
// the skew that heartbeats tell, those to a backup by what they tell themselves.
func TestUpdatesUnderSkew(t *testing.T) {
	hub := startNode(t, hubConfig(t, "server2")...)
	hub.links[0].see(0, true)
	hub.links[1].see(20*time.Second, true)
	conf := withBackup(t, pairConfig("server1", "hot-standby", freePort(t), freePort(t)))
	conf.ThisServer = "server3"
	backup := startNode(t, conf)
	for _, c := range []struct {
		name, from string
		to         *node
		tells      time.Duration // what the request says of the sender's clock
		want       time.Duration
	}{
		{"the hub's second partner", hub.links[1].partner.name, hub, 0, 20 * time.Second},
		{"the hub's first partner", hub.links[0].partner.name, hub, 20 * time.Second, 0},
		{"a backup, from one ahead", "server1", backup, 20 * time.Second, 20 * time.Second},
		{"a backup, from one behind", "server2", backup, -20 * time.Second, -20 * time.Second},
	} {
		now := time.Unix(time.Now().Unix(), 0)
		l := leases.Lease{Addr: netip.MustParseAddr("192.0.2.20"), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, 7}, CLTT: now, ValidLft: 600}
		told := time.Now().Add(c.tells)
		if a := c.to.apply(t, c.from, told, &l); a.Result != 0 {
			t.Fatal(c.name, a)
		}
		strange := l // from one that has not found out yet what we are
		strange.Addr = netip.MustParseAddr("192.0.2.21")
		var q struct{ Arguments json.RawMessage }
		if err := json.Unmarshal(appendUpdate(nil, &strange, false, 0, c.from, told), &q); err != nil {
			t.Fatal(err)
		}
		if r := c.to.reg.Call(t.Context(), "lease4-update", q.Arguments); r.Result != 0 {
			t.Fatal(c.name, r)
		}
		for _, addr := range []netip.Addr{l.Addr, strange.Addr} {
			if got, _ := c.to.store.Get(addr); now.Sub(got.CLTT) != c.want {
				t.Errorf("%s: %s moved by %s, want %s", c.name, addr, now.Sub(got.CLTT), c.want)
			}
		}
	}
}

// What a partner sent before our last sync from it began is refused, for the sync
// has brought it and what became of it since; what it sent later is taken.
func TestUpdatesOvertakenBySync(t *testing.T) {
	n := startNode(t, pairConfig("server1", "hot-standby", freePort(t), freePort(t)))
	n.links[0].partner.synced.begin(func() {})
	now := time.Now() // no earlier than that, however slow the machine
	n.links[0].see(0, true)
	addr := netip.MustParseAddr("192.0.2.20")
	for _, c := range []struct {
		sent time.Duration
		want bool
	}{{-time.Second, false}, {time.Millisecond, true}} {
		l := leases.Lease{Addr: addr, SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, 7}, CLTT: now, ValidLft: 600}
		a := n.apply(t, "server2", now.Add(c.sent), &l)
		if a.Result != 0 {
			t.Fatal(a)
		}
		if _, taken := n.store.Get(addr); taken != c.want {
			t.Errorf("sent %v after the sync began: taken %v", c.sent, taken)
		}
	}
}

// What a partner sent before its own last sync from us is refused, too: a link held it
// over the partner's restart, say, and its next changes were here first. Where its clock
// was set back since, what it sends now only seems to be from before.
func TestUpdatesOfAFormerLife(t *testing.T) {
	n := startNode(t, pairConfig("server1", "hot-standby", freePort(t), freePort(t)))
	l := leases.Lease{SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, 7}, ValidLft: 600}
	for i, c := range []struct {
		sent  time.Duration // after the sync began, by the partner's clock
		ahead time.Duration // that clock, by ours
		want  bool
	}{
		{-time.Millisecond, 0, false},
		{0, 0, true},
		{-time.Millisecond, time.Minute, false},
		{-55 * time.Second, -time.Minute, true},
		{-time.Hour, -time.Minute, false},
	} {
		n.links[0].see(c.ahead, true)
		opened := time.Now().Add(max(c.ahead, 0))
		if a := n.ask(t, openName, arguments{"server-name": "server2", "time": opened.UnixMilli()}); a.Result != 0 {
			t.Fatal(a)
		}
		l.Addr, l.CLTT = netip.AddrFrom4([4]byte{192, 0, 2, byte(20 + i)}), time.Now()
		a := n.apply(t, "server2", opened.Add(c.sent), &l)
		if a.Result != 0 {
			t.Fatal(a)
		}
		if _, taken := n.store.Get(l.Addr); taken != c.want {
			t.Errorf("sent %v after the sync began, the clock %v ahead: taken %v", c.sent, c.ahead, taken)
		}
	}
}

// A change that has waited in the sender's lane is as old as one that waited in a
// socket of ours, and in whatever form it comes: a partner that heard nothing from us
// for a moment does not know any more what we are.
func TestUpdatesOvertakenInTheirLane(t *testing.T) {
	one, two := startPair(t, "load-balancing")
	one.reach(LoadBalancing)
	two.reach(LoadBalancing)
	to := one.links[0].partner
	send := func(lease string, del, forgotten, late bool) bool {
		lane := newLane(to)
		l := leases.Lease{Addr: netip.MustParseAddr(lease), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, 7}, CLTT: time.Now(), ValidLft: 600}
		c := leases.Change{Addr: l.Addr, Seq: 1}
		if del {
			c.Op, c.At = leases.Delete, time.Now().Add(time.Hour).Unix()
		}
		if to.learn(time.Second); forgotten {
			to.known.forget()
		}
		if !lane.add(&l, &c, ticket{}) {
			t.Fatal("the lane takes nothing")
		}
		if late {
			time.Sleep(2 * time.Millisecond) // a message tells milliseconds
			two.links[0].partner.synced.begin(func() {})
		}
		lane.swap()
		lane.send(t.Context())
		_, there := two.store.Get(l.Addr)
		return there
	}
	for i, forgotten := range []bool{false, true} {
		if there := send(fmt.Sprintf("192.0.2.%d", 20+i), false, forgotten, true); there {
			t.Errorf("forgotten %v: an overtaken lease is taken", forgotten)
		}
		a := fmt.Sprintf("192.0.2.%d", 30+i)
		if there := send(a, false, forgotten, false); !there {
			t.Errorf("forgotten %v: a lease in time is not taken", forgotten)
		}
		if there := send(a, true, forgotten, true); !there {
			t.Errorf("forgotten %v: an overtaken deletion is taken", forgotten)
		}
		if there := send(a, true, forgotten, false); there {
			t.Errorf("forgotten %v: a deletion in time is not taken", forgotten)
		}
	}
	if n := to.sent.conflicted.Load(); n != 4 {
		t.Errorf("%d changes were refused, want 4", n)
	}
	if n := one.status(0).Rejected; n != 0 {
		t.Errorf("%d clients count as rejected", n)
	}
}

// A sync begins when the message being taken is taken: half of one would pass for
// newer than the pages.
func TestSyncBeginsBetweenMessages(t *testing.T) {
	p := new(peer)
	taking, begun := make(chan struct{}), make(chan struct{})
	go func() {
		<-taking
		p.synced.begin(func() { close(begun) })
	}()
	p.whole(time.Now(), Clock{}, func(late bool) {
		close(taking)
		select {
		case <-begun:
			t.Error("a sync began while a message was taken")
		case <-time.After(20 * time.Millisecond):
		}
		if late {
			t.Error("late before the first sync")
		}
	})
	<-begun
	p.whole(time.Now().Add(-time.Second), Clock{}, func(late bool) {
		if !late {
			t.Error("what was sent before the sync is not late")
		}
	})
}

// Before a heartbeat has told the partner's clock nobody knows how old an update is.
func TestUpdatesBeforeTheClockIsKnown(t *testing.T) {
	n := startNode(t, pairConfig("server1", "hot-standby", freePort(t), freePort(t)))
	addr := netip.MustParseAddr("192.0.2.20")
	for _, known := range []bool{false, true} {
		n.links[0].see(0, known)
		l := leases.Lease{Addr: addr, SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, 7}, CLTT: time.Now(), ValidLft: 600}
		n.apply(t, "server2", time.Now(), &l)
		if _, taken := n.store.Get(addr); taken != known {
			t.Errorf("the clock is known: %v, the update taken: %v", known, taken)
		}
	}
}

// A backup learns the clock of the server it synchronises from.
func TestSyncTellsTheClock(t *testing.T) {
	a, b := freePort(t), freePort(t)
	conf := withBackup(t, pairConfig("server1", "hot-standby", a, b))
	third := *conf
	third.ThisServer = "server3"
	startNode(t, conf)
	backup := startNode(t, &third)
	l, from := backup.peerNamed("server1")
	m := newMerger(backup.store, nil, &l.touched)
	m.clock = Clock{time.Hour}
	if err := l.open(from, m); err != nil || m.clock.Ahead.Abs() > skewNoise {
		t.Errorf("%s ahead, %v", m.clock.Ahead, err)
	}
}
