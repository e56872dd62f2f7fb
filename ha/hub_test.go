package ha

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/leases"
)

// hubConfig is two hot-standby relationships; in each this server is one of
// server1/server2 and server3/server4. Nobody answers at the other end.
func hubConfig(t testing.TB, this string) []*config.Relationship {
	other := map[string]string{"server1": "server3", "server2": "server4"}[this]
	one := pairConfig(this, "hot-standby", freePort(t), freePort(t))
	two := pairConfig(this, "hot-standby", freePort(t), freePort(t))
	two.Index, two.ThisServer = 1, other
	two.Peers[0].Name, two.Peers[1].Name = "server3", "server4"
	for _, r := range []*config.Relationship{one, two} {
		r.MaxResponseDelay = time.Hour // stays in waiting
	}
	return []*config.Relationship{one, two}
}

// A hub and two branches, all needletails: each relationship reaches its
// normal state, leases go to the branch of their relationship only, and one
// branch's end moves nothing in the other relationship.
func TestHubAndBranches(t *testing.T) {
	hubAt, branchAt := [2]netip.AddrPort{freePort(t), freePort(t)}, [2]netip.AddrPort{freePort(t), freePort(t)}
	pair := func(this string, i int) *config.Relationship {
		r := pairConfig(this, "hot-standby", branchAt[i], hubAt[i])
		names := [2][2]string{{"server1", "server2"}, {"server3", "server4"}}[i]
		r.Peers[0].Name, r.Peers[1].Name = names[0], names[1]
		return r
	}
	second := pair("server4", 1)
	second.Index = 1
	hub := startNode(t, pair("server2", 0), second)
	one, two := startNode(t, pair("server1", 0)), startNode(t, pair("server3", 1))
	for _, n := range []*node{one, two} {
		n.reach(HotStandby)
	}
	waitFor(t, "both relationships of the hub", func() bool {
		return hub.status(0).State == HotStandby && hub.status(1).State == HotStandby
	})
	if !one.lease("192.0.2.20", 1) || !two.lease("192.0.2.21", 2) {
		t.Error("the hub refuses updates")
	}
	if got := len(hub.store.All(1)); got != 2 {
		t.Errorf("the hub has %d leases, want 2", got)
	}

	one.Close()
	waitFor(t, "the hub takes over for server1", func() bool { return hub.status(0).State == PartnerDown })
	if s := hub.filters.scope(0); s.Serve.Count() != 256 || !s.Enabled {
		t.Errorf("the hub does not serve server1's clients: %+v", s)
	}
	if got := hub.status(1).State; got != HotStandby {
		t.Errorf("the other relationship is in %v", got)
	}
	if s := hub.filters.scope(1); s.Serve.Count() != 0 || !s.Enabled {
		t.Errorf("the other relationship's scope is %+v", s)
	}

	back := startNode(t, one.links[0].conf)
	back.reach(HotStandby)
	waitFor(t, "the hub is standby of server1 again", func() bool { return hub.status(0).State == HotStandby })
	if got := hub.filters.scope(0).Serve.Count(); got != 0 {
		t.Errorf("the hub still serves %d buckets", got)
	}
}

// Maintenance by hand is of all relationships, in order: a start goes up to the
// first that refuses, a cancel to each, and the last answer counts (Kea:
// ha_impl.cc, maintenanceStartHandler and maintenanceCancelHandler).
func TestMaintenanceOfAHub(t *testing.T) {
	conf := hubConfig(t, "server1")
	var partners [2]*fakeKea
	for i, r := range conf {
		partners[i] = newFakeKea(t)
		partners[i].state, r.Peers[1].Addr = "hot-standby", partners[i].addr
	}
	n := startNode(t, conf...)
	expect := func(when string, one, two State) {
		t.Helper()
		waitFor(t, when, func() bool { return n.status(0).State == one && n.status(1).State == two })
	}
	order := func(command string, result int, asked ...int) {
		t.Helper()
		for _, k := range partners {
			k.heard()
		}
		if a := n.ask(t, command, nil); a.Result != result {
			t.Errorf("%s: %+v, want result %d", command, a, result)
		}
		for i, k := range partners {
			if got := slices.Contains(k.heard(), "ha-maintenance-notify"); got != slices.Contains(asked, i) {
				t.Errorf("%s: partner %d was asked: %v", command, i, got)
			}
		}
	}
	answers := func(i int, text string) {
		partners[i].set(func() { partners[i].odd["ha-maintenance-notify"] = text })
	}
	const agreed, refused = `[ { "result": 0, "arguments": { "state": "hot-standby" } } ]`, `[ { "result": 1001, "text": "no" } ]`
	answers(1, agreed)
	expect("both are up", HotStandby, HotStandby)
	answers(0, refused)
	order("ha-maintenance-start", 1, 0)
	expect("the first refuses", HotStandby, HotStandby)
	answers(0, agreed)
	order("ha-maintenance-start", 0, 0, 1)
	expect("both agree", PartnerInMaintenance, PartnerInMaintenance)
	answers(0, refused)
	order("ha-maintenance-cancel", 0, 0, 1)
	expect("the first refuses a cancel", PartnerInMaintenance, HotStandby)
	answers(0, agreed)
	order("ha-maintenance-cancel", 1, 0)
	expect("cancelled", HotStandby, HotStandby)
}

// A branch takes over only the leases of its own relationship's subnets.
func TestSyncFilter(t *testing.T) {
	n := startNode(t, hubConfig(t, "server1")...)
	c := &config.Dhcp4{Subnets: []*config.Subnet{{ID: 1, HAServerName: "server2"}, {ID: 2, HAServerName: "server3"}, {ID: 3}}}
	if got := syncFilter(c, n.links[0].conf); len(got) != 1 || !got[1] {
		t.Errorf("relationship 0 syncs %v", got)
	}
	m := newMerger(n.store, syncFilter(c, n.links[0].conf), &n.links[0].touched)
	for _, id := range []uint32{1, 2} {
		addr := map[uint32]string{1: "192.0.2.20", 2: "10.0.0.9"}[id]
		l := leases.Lease{Addr: netip.MustParseAddr(addr), SubnetID: id, HW: []byte{2}, HType: 1, CLTT: time.Unix(1795288855, 0)}
		if err := m.lease(&l); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.finish(); err != nil || m.changed != 1 || len(n.store.All(2)) != 0 {
		t.Errorf("took over %d leases, %v", m.changed, err)
	}
}

// A hub that serves alone in one relationship refuses no updates of the other for that.
func TestServesAlone(t *testing.T) {
	n := startNode(t, hubConfig(t, "server1")...)
	n.filter = []map[uint32]bool{{1: true}, {2: true}}
	n.links[0].policy.Store(&Policy{Alone: true})
	n.links[1].policy.Store(&Policy{})
	for subnet, want := range map[uint32]State{1: PartnerDown, 2: LoadBalancing, 3: PartnerDown} {
		if got := n.servesAlone(subnet); got != want {
			t.Errorf("subnet %d: %v, want %v", subnet, got, want)
		}
	}
}
