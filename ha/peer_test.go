package ha

import (
	"testing"
	"time"
)

// heartbeats counts how often the fake was asked for its state.
func (k *fakeKea) heartbeats() (n int) {
	for _, name := range k.names() {
		if name == "ha-heartbeat" {
			n++
		}
	}
	return n
}

// Heartbeats wait for nothing, not even when every connection for other
// commands hangs: a partner that answers them is not down.
func TestHeartbeatsWaitForNothing(t *testing.T) {
	n, k := withFakeKea(t)
	k.set(func() { k.hang["lease4-get-page"] = true })
	p := n.links[0].partner
	for range controlConns + 1 {
		go p.ctl.call(command("lease4-get-page", nil), time.Minute)
	}
	waitFor(t, "every connection hangs", func() bool { return p.ctl.http.ConnsCount() == controlConns })
	before := k.heartbeats()
	waitFor(t, "heartbeats go on", func() bool { return k.heartbeats() > before+5 })
	if s := n.status(0); s.State != LoadBalancing || s.Interrupted {
		t.Errorf("%s, interrupted %v", s.State, s.Interrupted)
	}
}

// A partner that does not say what it understands is heard all the same: its
// heartbeats do not wait for that.
func TestDiscoveryHoldsNoHeartbeat(t *testing.T) {
	k := newFakeKea(t)
	k.state, k.hang["list-commands"] = "syncing", true
	conf := pairConfig("server1", "load-balancing", freePort(t), k.addr)
	conf.MaxResponseDelay = time.Minute // list-commands hangs as long as can be
	n := startNode(t, conf)
	waitFor(t, "heartbeats go on", func() bool { return k.heartbeats() > 5 })
	asked := 0
	for _, name := range k.names() {
		if name == "list-commands" {
			asked++
		}
	}
	if got := n.status(0).Partner; got != Syncing || asked != 1 {
		t.Errorf("the partner is %q, and was asked %d times for its commands", got, asked)
	}
}

// What a peer understands is known when it has said all of it, in the life that
// it still leads.
func TestLearn(t *testing.T) {
	k := newFakeKea(t)
	k.hang["status-get"] = true
	k.odd["status-get"] = `[ { "arguments": { "dhcp-state": { } }, "result": 0 } ]`
	conf := pairConfig("server1", "load-balancing", freePort(t), k.addr)
	p, err := newPeer(conf.Peers[1], conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if p.learn(100 * time.Millisecond); p.ability().known() {
		t.Error("known by half of its answers")
	}
	k.set(func() { delete(k.hang, "status-get") })
	if p.learn(requestTimeout); p.ability() != abilityKnown|abilityReleased {
		t.Errorf("a Kea of 2.7.1 or later is found to be %b", p.ability())
	}
	life := p.known.life()
	p.known.forget()
	if p.known.learn(abilityKnown, life); p.ability().known() {
		t.Error("known by what its former life said")
	}
}

// http-client-threads is how many updates are on the way to a peer at once, in
// bounds: each is a goroutine with a connection.
func TestLanesAreBounded(t *testing.T) {
	for threads, want := range map[int]int{0: lanesDefault, 1: 1, 8: 8, lanesMax: lanesMax, lanesMax + 1: lanesMax, 1 << 16: lanesMax} {
		r := pairConfig("server1", "load-balancing", freePort(t), freePort(t))
		r.ClientThreads = threads
		p, err := newPeer(r.Peers[1], r, &link{conf: r})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.lanes) != want {
			t.Errorf("%d threads: %d lanes, want %d", threads, len(p.lanes), want)
		}
	}
}
