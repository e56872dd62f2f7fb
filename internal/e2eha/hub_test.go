package e2eha

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The hub of ISC's article on hub and spoke: five servers, three hot-standby
// relationships with nine names, one subnet each. Every list is by
// relationship; -1: not a part of it.
var hub = []struct {
	host  string
	index [3]int // of its name among primary, standby, backup
}{
	{"edge1", [3]int{0, -1, -1}},
	{"middle1", [3]int{1, 0, -1}},
	{"middle2", [3]int{-1, 1, 0}},
	{"edge2", [3]int{-1, -1, 1}},
	{"archive", [3]int{2, 2, 2}},
}

var hubNets = [3]string{"172.28.0", "172.29.0", "172.30.0"}

// hubConfig is the document of physical server n, from 0.
func hubConfig(m *member, n int) string {
	var relations, subnets []string
	for r, self := range hub[n].index {
		if self < 0 {
			continue
		}
		var peers []string
		for i, role := range []string{"primary", "standby", "backup"} {
			at := slices.IndexFunc(hub, func(h struct {
				host  string
				index [3]int
			}) bool {
				return h.index[r] == i
			})
			peers = append(peers, fmt.Sprintf(`{ "name": "server%d", "url": "http://10.77.0.%d:%d/", "role": %q }`, 3*r+i+1, at+1, 8001+r, role))
		}
		relations = append(relations, fmt.Sprintf(`{ "this-server-name": "server%d", "mode": "hot-standby",
 "heartbeat-delay": 500, "max-response-delay": 2500, "max-ack-delay": 1000, "max-unacked-clients": 0,
 "peers": [ %s ] }`, 3*r+self+1, strings.Join(peers, ", ")))
		subnets = append(subnets, fmt.Sprintf(`{ "id": %d, "subnet": "%[2]s.0/24", "relay": { "ip-addresses": [ "%[2]s.1" ] },
 "user-context": { "ha-server-name": "server%[3]d" }, "pools": [ { "pool": "%[2]s.10 - %[2]s.250" } ] }`, r+1, hubNets[r], 3*r+1))
	}
	return fmt.Sprintf(document, m.socket(), m.dir, true, 3600, hooks(), strings.Join(relations, ",\n"), strings.Join(subnets, ",\n"), "auto", "", "")
}

// hubSite is the five servers, and the clients of each subnet.
type hubSite struct {
	*site
	swarms [3]*swarm
}

func newHub(t *testing.T) *hubSite {
	t.Helper()
	h := &hubSite{site: newSite(t)}
	relay, err := h.bed.Host(t.Context(), "relay", "192.0.2.9/16")
	must(t, err)
	for n := range hub {
		m := h.routed(n+1, hub[n].host)
		m.config = hubConfig(m, n)
	}
	// What is sent to a backup that cannot be reached is lost to it, as with
	// Kea: the network stands before the first server does.
	for _, m := range h.members {
		h.reachable(m.host, "10.77.0.5")
	}
	for _, m := range h.members {
		m.start()
	}
	for r, net := range hubNets {
		must(t, relay.Address("eth0", net+".1/32"))
		h.swarms[r] = newSwarm(t, relay, net+".1")
		for n := range hub {
			if hub[n].index[r] >= 0 { // as in Kea, others would refuse clients of no subnet of theirs
				h.swarms[r].serve(fmt.Sprintf("192.0.2.%d", n+1))
			}
		}
	}
	return h
}

// routed makes server number n of a site whose clients are behind relays. Its
// configuration is the caller's to set.
func (s *site) routed(n int, name string) *member {
	s.t.Helper()
	m := &member{t: s.t, site: s, name: name, host: s.host(n)}
	m.dir = s.bed.Dir + "/" + m.name
	s.run(m.host, "mkdir", m.dir)
	s.run(m.host, "ip", "route", "add", "172.16.0.0/12", "via", "192.0.2.9")
	s.t.Cleanup(m.explain)
	s.members = append(s.members, m)
	return m
}

// place is where physical server n keeps relationship r.
func place(n, r int) (i int) {
	for _, self := range hub[n].index[:r] {
		if self >= 0 {
			i++
		}
	}
	return i
}

// settle waits for the states of all relationships, by what is expected of each
// server that is up.
func (h *hubSite) settle(dead int) {
	h.t.Helper()
	for r := range hubNets {
		for n, m := range h.members {
			want := "hot-standby"
			self := hub[n].index[r]
			switch {
			case self < 0 || n == dead:
				continue
			case self == 2:
				want = "backup"
			case dead >= 0 && hub[dead].index[r] >= 0 && hub[dead].index[r] < 2:
				want = "partner-down"
			}
			waitFor(h.t, fmt.Sprintf("relationship %d of %s to reach %s", r+1, m.name, want), func() bool { return m.state(place(n, r)) == want })
		}
	}
}

// Every relationship fails over on its own, whoever dies, and comes back; the
// backup in all three has every lease.
func TestHubAndSpoke(t *testing.T) {
	long(t)
	h := newHub(t)
	h.settle(-1)
	h.keys()
	clients := 0
	serve := func(what string) {
		for r, w := range h.swarms {
			w.all(fmt.Sprintf("%s, relationship %d: renewals", what, r+1), 1000*r, 1000*r+clients)
			w.all(fmt.Sprintf("%s, relationship %d: new clients", what, r+1), 1000*r+clients, 1000*r+clients+20)
			w.told(h.members[4]) // the backup in all three, before the next is killed
		}
		clients += 20
	}
	serve("all are up")
	h.members[0].do("ha-maintenance-start", "")
	h.expect(1, 0, "in-maintenance") // silent there, and the primary of the next relationship
	serve(h.members[1].name + " is in maintenance in one relationship")
	h.members[0].do("ha-maintenance-cancel", "")
	h.settle(-1)
	for dead, m := range h.members[:4] {
		if dead == 3 {
			continue // as the first, mirrored
		}
		// Nobody waits for a backup: what is on its way there dies with its sender.
		waitFor(t, "the backup to have every lease", func() bool { return len(h.members[4].leases()) >= 3*clients })
		m.Kill()
		h.settle(dead)
		serve(m.name + " is dead")
		m.start()
		h.settle(-1)
	}
	serve("all are back")
	for r, w := range h.swarms {
		for n, m := range h.members {
			if hub[n].index[r] >= 0 {
				w.kept(m)
			}
		}
		if by := w.by(); len(by) < 2 {
			t.Errorf("relationship %d was never served by another server: %v", r+1, by)
		}
		if w.lost() > 0 {
			t.Errorf("relationship %d: %d leases were taken back", r+1, w.lost())
		}
	}
}

// keys checks status-get: one element for each relationship, with the keys that
// Kea 3 has there, and the names that make the relationships.
func (h *hubSite) keys() {
	h.t.Helper()
	for n, m := range h.members {
		var in struct {
			HA []struct {
				Mode    string                    `json:"ha-mode"`
				Servers map[string]map[string]any `json:"ha-servers"`
			} `json:"high-availability"`
		}
		must(h.t, json.Unmarshal(m.ask("status-get", "").Arguments, &in))
		i := 0
		for r, self := range hub[n].index {
			if self < 0 {
				continue
			}
			e := in.HA[i]
			i++
			if e.Mode != "hot-standby" || e.Servers["local"]["server-name"] != fmt.Sprint("server", 3*r+self+1) {
				h.t.Errorf("%s, relationship %d: %v", m.name, r+1, e)
			}
			h.sameKeys(m, e.Servers["local"], "role scopes server-name state system-time")
			if self < 2 {
				h.sameKeys(m, e.Servers["remote"], "age analyzed-packets clock-skew communication-interrupted connecting-clients in-touch last-scopes last-state role server-name system-time unacked-clients unacked-clients-left")
			} else if e.Servers["remote"] != nil {
				h.t.Errorf("%s, a backup, has a remote server", m.name)
			}
		}
		if len(in.HA) != i {
			h.t.Errorf("%s has %d elements for %d relationships", m.name, len(in.HA), i)
		}
	}
}

func (h *hubSite) sameKeys(m *member, got map[string]any, want string) {
	h.t.Helper()
	if keys := strings.Join(slices.Sorted(maps.Keys(got)), " "); keys != want {
		h.t.Errorf("%s: keys %q, want %q", m.name, keys, want)
	}
}
