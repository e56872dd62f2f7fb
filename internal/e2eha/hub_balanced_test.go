package e2eha

import (
	"fmt"
	"strings"
	"testing"
)

// branches of a hub that balances load with each of them: relationship r is the
// hub as its primary and branch r as its secondary, which get these weights of
// the clients, and a subnet of its own.
var branches = [2]struct {
	net      string
	hub, own int
}{
	{"172.28.0", 70, 30},
	{"172.29.0", 30, 70},
}

// balancedConfig is the document of the hub (self -1) or of a branch.
func balancedConfig(m *member, self int) string {
	var relations, subnets, split []string
	for r, b := range branches {
		if self >= 0 && self != r {
			continue
		}
		this, hub, own := fmt.Sprint("hub", r+1), fmt.Sprint("hub", r+1), fmt.Sprint("branch", r+1)
		if self == r {
			this = own
		}
		relations = append(relations, fmt.Sprintf(`{ "this-server-name": %q, "mode": "load-balancing",
 "heartbeat-delay": 300, "max-response-delay": 1500, "max-ack-delay": 1000, "max-unacked-clients": 0,
 "peers": [ { "name": %q, "url": "http://10.77.0.1:%[4]d/", "role": "primary" },
            { "name": %[3]q, "url": "http://10.77.0.%[5]d:%[4]d/", "role": "secondary" } ] }`, this, hub, own, 8001+r, r+2))
		subnets = append(subnets, fmt.Sprintf(`{ "id": %d, "subnet": "%[2]s.0/22", "relay": { "ip-addresses": [ "%[2]s.1" ] },
 "user-context": { "ha-server-name": %[3]q }, "pools": [ { "pool": "%[2]s.10 - %[4]s.3.250" } ] }`, r+1, b.net, hub, strings.TrimSuffix(b.net, ".0")))
		split = append(split, fmt.Sprintf(`%q: %d, %q: %d`, hub, b.hub, own, b.own))
	}
	ours := fmt.Sprintf(`"hub-load-balancing": true, "split": { %s },`, strings.Join(split, ", "))
	return fmt.Sprintf(document, m.socket(), m.dir, true, 3600, hooks(), strings.Join(relations, ",\n"), strings.Join(subnets, ",\n"), "auto", "", ours)
}

// A hub balances load with two branches, 70 to 30 with one and 30 to 70 with the
// other. Each relationship splits its clients so, and fails over on its own.
func TestHubBalancesLoad(t *testing.T) {
	long(t)
	h := &hubSite{site: newSite(t)}
	relay, err := h.bed.Host(t.Context(), "relay", "192.0.2.9/16")
	must(t, err)
	for n, name := range []string{"hub", "branch1", "branch2"} {
		m := h.routed(n+1, name)
		m.config = balancedConfig(m, n-1)
	}
	for r, b := range branches {
		must(t, relay.Address("eth0", b.net+".1/32"))
		h.swarms[r] = newSwarm(t, relay, b.net+".1")
		h.swarms[r].serve("192.0.2.1")
		h.swarms[r].serve(fmt.Sprintf("192.0.2.%d", r+2))
	}
	for _, m := range h.members {
		m.start()
	}
	h.balanced("all are up", 0)
	h.members[1].Kill()
	h.expect(0, 0, "partner-down")
	h.expect(0, 1, "load-balancing")
	h.serve("branch1 is dead", 200, [2]int{100, 30})
	h.members[1].start()
	h.balanced("branch1 is back", 400)
	h.members[0].Kill()
	h.expect(1, 0, "partner-down")
	h.expect(2, 0, "partner-down")
	h.serve("the hub is dead", 600, [2]int{0, 0})
	h.members[0].start()
	h.balanced("the hub is back", 800)
	for r := range branches {
		h.swarms[r].kept(h.members[0])
		h.swarms[r].kept(h.members[r+1])
		if n := h.swarms[r].lost(); n > 0 {
			t.Errorf("relationship %d: %d leases were taken back", r+1, n)
		}
	}
}

// expect waits for the state of a server's relationship, by its place there.
func (h *hubSite) expect(server, place int, state string) {
	h.t.Helper()
	m := h.members[server]
	waitFor(h.t, fmt.Sprintf("relationship %d of %s to reach %s", place+1, m.name, state), func() bool { return m.state(place) == state })
}

// balanced waits until all is normal and serves new clients.
func (h *hubSite) balanced(what string, first int) {
	h.t.Helper()
	for r := range branches {
		h.expect(0, r, "load-balancing")
		h.expect(r+1, 0, "load-balancing")
	}
	h.serve(what, first, [2]int{branches[0].hub, branches[1].hub})
}

// serve has 200 new clients of each subnet served and looks how many of a hundred
// the hub has answered. Clients and buckets are the same in each run, so is that.
func (h *hubSite) serve(what string, first int, hub [2]int) {
	h.t.Helper()
	for r, want := range hub {
		w := h.swarms[r]
		w.by()
		w.all(fmt.Sprintf("%s, relationship %d", what, r+1), 5000*r+first, 5000*r+first+200)
		by := w.by()
		if got := by["192.0.2.1"] / 2; got < want-10 || got > want+10 || by["192.0.2.1"]+by[fmt.Sprintf("192.0.2.%d", r+2)] != 200 {
			h.t.Errorf("%s, relationship %d: answers %v, want %d of 100 from the hub", what, r+1, by, want)
		}
	}
}
