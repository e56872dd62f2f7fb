package ha

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"needletail/leases"
)

// What a Kea may answer to lease4-update, and what must come of it: section by
// section the table of a real server's reactions (3.x for a conflict).
func TestAnswersToLeaseUpdate(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		ack          bool
		state        State
		rejected     int
	}{
		{"added", `[ { "result": 0, "text": "IPv4 lease added." } ]`, true, LoadBalancing, 0},
		{"without text", `[ { "result": 0 } ]`, true, LoadBalancing, 0},
		{"empty is a success", `[ { "result": 3, "text": "IPv4 lease not found." } ]`, true, LoadBalancing, 0},
		{"conflict counts the client", `[ { "result": 4, "text": "no" } ]`, false, LoadBalancing, 1},
		{"error", `[ { "result": 1, "text": "no" } ]`, false, CommunicationRecovery, 0},
		{"unsupported", `[ { "result": 2, "text": "no" } ]`, false, CommunicationRecovery, 0},
		{"fatal", `[ { "result": 5, "text": "no" } ]`, false, CommunicationRecovery, 0},
		{"bare map", `{ "result": 0, "text": "fine" }`, false, CommunicationRecovery, 0},
		{"unauthorized", `{ "result": 401, "text": "Unauthorized" }`, false, CommunicationRecovery, 0},
		{"empty list", `[ ]`, false, CommunicationRecovery, 0},
		{"no result", `[ { "text": "IPv4 lease added." } ]`, false, CommunicationRecovery, 0},
		{"garbage", "\x00\xff<html>", false, CommunicationRecovery, 0},
		{"nothing", "", false, CommunicationRecovery, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n, k := withFakeKea(t)
			k.set(func() {
				k.odd["lease4-update"] = c.answer
				if c.state == CommunicationRecovery { // else it is over with the next heartbeat
					k.hang["ha-heartbeat"] = true
				}
			})
			if got := n.lease("192.0.2.20", 1); got != c.ack {
				t.Errorf("reply leaves: %v, want %v", got, c.ack)
			}
			n.reach(c.state)
			if got := n.status(0).Rejected; got != c.rejected {
				t.Errorf("%d rejected clients, want %d", got, c.rejected)
			}
		})
	}
}

// A declined address has no client, but whoever declined it counts like any
// other when the partner objects, and is forgiven like any other.
func TestConflictOfADeclineCountsTheClient(t *testing.T) {
	n, k := withFakeKea(t)
	k.set(func() { k.odd["lease4-update"] = `[ { "result": 4, "text": "busy" } ]` })
	for i, addr := range []string{"192.0.2.20", "192.0.2.21", "192.0.2.22"} {
		var b leases.Batch
		b.Query(uint32(i), 0)
		b.By(&leases.Client{HType: 1, HLen: 6, HW: [16]byte{2, 0, 0, 0, 0, byte(i / 2)}, ID: []byte{1, 7}})
		if _, err := n.store.Put(&b, &leases.Lease{Addr: netip.MustParseAddr(addr), SubnetID: 1, CLTT: time.Now(), ValidLft: 120, State: leases.Declined}); err != nil {
			t.Fatal(err)
		}
		if n.replicate(&b) {
			t.Error("an update that conflicts counts as done")
		}
	}
	rejected := func() (keys []ClientKey) {
		n.do(func() { keys = slices.Collect(maps.Keys(n.machine.rels[0].partner.rejected)) })
		return keys
	}
	waitFor(t, "two clients are rejected", func() bool { return len(rejected()) == 2 })
	for _, key := range rejected() {
		if len(key.HW) != 6 || key.ID != "\x01\x07" {
			t.Errorf("rejected: %x", key)
		}
	}
}

// An accepted update of a rejected client forgives it.
func TestAcceptedUpdateForgives(t *testing.T) {
	n, k := withFakeKea(t)
	k.set(func() { k.odd["lease4-update"] = `[ { "result": 4 } ]` })
	n.lease("192.0.2.20", 1)
	waitFor(t, "the client is rejected", func() bool { return n.status(0).Rejected == 1 })
	k.set(func() { delete(k.odd, "lease4-update") })
	if !n.lease("192.0.2.20", 1) {
		t.Error("the second update was refused")
	}
	waitFor(t, "the client is forgiven", func() bool { return n.status(0).Rejected == 0 })
}

// A partner that never answers costs each query at most the timeout, and those
// beyond parked-packet-limit nothing: they are refused at once and counted.
func TestPartnerNeverAnswers(t *testing.T) {
	n, k := withFakeKea(t)
	k.set(func() { k.hang["lease4-update"] = true })
	const queries = 300
	var b leases.Batch
	for i := range queries {
		b.Query(uint32(i), 0)
		l := leases.Lease{Addr: addrOf(10<<24 + 1 + uint32(i)), SubnetID: 2, HType: 1, HW: []byte{2}, CLTT: time.Unix(1795288855, 0), ValidLft: 600}
		if _, err := n.store.Put(&b, &l); err != nil {
			t.Fatal(err)
		}
	}
	if n.replicate(&b) {
		t.Error("every reply left although the partner did not answer")
	}
	for i, q := range b.Queries() {
		if q.OK {
			t.Errorf("reply %d left although the partner did not answer", i)
		}
	}
	late := n.links[0].partner.sent.dropped.Load() // had not had their turn when the first ones failed
	if got := n.links[0].overflowed.Load() - late; got != queries-256 {
		t.Errorf("%d queries over the limit, want %d", got, queries-256)
	}
	if got := n.links[0].parked.Load(); got != 0 {
		t.Errorf("%d queries still parked", got)
	}
}

// A partner that answers, but slowly, costs a client no more than the timeout:
// what has waited longer for its turn is refused and not sent, and the partner
// remains available.
func TestSlowPartnerPushesBack(t *testing.T) {
	k := newFakeKea(t)
	conf := pairConfig("server1", "load-balancing", freePort(t), k.addr)
	conf.ClientThreads, conf.MaxResponseDelay = 1, time.Minute
	n := startNode(t, conf)
	n.reach(LoadBalancing)
	k.heard()
	hold := make(chan struct{})
	k.set(func() { k.hold = hold })
	replies := make(map[string]chan bool)
	send := func(addr string) {
		reply := make(chan bool, 1)
		replies[addr] = reply
		go func() { reply <- n.lease(addr, 1) }()
	}
	p := n.links[0].partner
	lane := p.lanes[0]
	waiting := func(age time.Duration) int {
		lane.mu.Lock()
		defer lane.mu.Unlock()
		for i := range lane.waiting.items {
			lane.waiting.items[i].at = time.Now().Add(-age)
		}
		return len(lane.waiting.items)
	}
	send("192.0.2.20")
	waitFor(t, "the first is on its way", func() bool { return slices.Contains(k.names(), "lease4-update") })
	send("192.0.2.21")
	send("192.0.2.22")
	waitFor(t, "two wait", func() bool { return waiting(requestTimeout+time.Second) == 2 })
	send("192.0.2.23")
	waitFor(t, "three wait", func() bool {
		lane.mu.Lock()
		defer lane.mu.Unlock()
		return len(lane.waiting.items) == 3
	})
	close(hold)
	for addr, want := range map[string]bool{"192.0.2.20": true, "192.0.2.21": false, "192.0.2.22": false, "192.0.2.23": true} {
		if got := <-replies[addr]; got != want {
			t.Errorf("%s: reply leaves %v, want %v", addr, got, want)
		}
	}
	if got := k.heard(); len(got) != 2 {
		t.Errorf("sent %v, want two updates", got)
	}
	if refused, dropped := n.links[0].overflowed.Load(), p.sent.dropped.Load(); refused != 2 || dropped != 2 || n.links[0].parked.Load() != 0 {
		t.Errorf("%d queries refused, %d updates dropped, want 2 of each", refused, dropped)
	}
	if s := n.status(0); s.State != LoadBalancing || s.Partner != LoadBalancing {
		t.Errorf("%s, the partner %s", s.State, s.Partner)
	}
}

// A release towards a Kea that does not know state 3 is a deletion.
func TestReleaseToOldKea(t *testing.T) {
	n, k := withFakeKea(t)
	n.lease("192.0.2.20", 1)
	n.release("192.0.2.20")
	if got := k.heard(); len(got) != 2 || got[0] != "lease4-update" || got[1] != "lease4-del" {
		t.Errorf("asked %v, want lease4-update, lease4-del", got)
	}
}

// One that shows dhcp-state (2.7.1 and later) gets the released lease.
func TestReleaseToNewKea(t *testing.T) {
	k := newFakeKea(t)
	k.odd["status-get"] = `[ { "arguments": { "dhcp-state": { "globally-disabled": false } }, "result": 0 } ]`
	n := startNode(t, pairConfig("server1", "load-balancing", freePort(t), k.addr))
	n.reach(LoadBalancing)
	n.lease("192.0.2.20", 1)
	n.release("192.0.2.20")
	k.mu.Lock()
	defer k.mu.Unlock()
	last := k.asked[len(k.asked)-1]
	for _, q := range k.asked {
		if q.Command == "lease4-update" {
			last = q
		}
	}
	if last.Arguments["state"] != 3.0 || last.Arguments["valid-lft"] != 0.0 {
		t.Errorf("the release was sent as %v", last)
	}
}
