package ha

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/leases"
)

// Arguments of the ha-* commands, good and bad, and Kea's results.
func TestCommandArguments(t *testing.T) {
	for _, c := range []struct {
		name, command, args string
		want                int
	}{
		{"heartbeat", "ha-heartbeat", ``, 0},
		{"heartbeat of a peer", "ha-heartbeat", `{"server-name":"server4"}`, 0},
		{"heartbeat of a stranger", "ha-heartbeat", `{"server-name":"server9"}`, 1},
		{"name is a number", "ha-heartbeat", `{"server-name":7}`, 1},
		{"arguments are a list", "ha-heartbeat", `["server1"]`, 1},
		{"reset", "ha-reset", `{"server-name":"server3"}`, 0},
		{"reset of a stranger", "ha-reset", `{"server-name":"x"}`, 1},
		{"continue without a pause", "ha-continue", ``, 0},
		{"scopes", "ha-scopes", `{"scopes":["server1"]}`, 0},
		{"no scopes", "ha-scopes", `{"scopes":[]}`, 0},
		{"scopes are class names", "ha-scopes", `{"scopes":["HA_server1"]}`, 1},
		{"scopes of another relationship", "ha-scopes", `{"scopes":["server3"]}`, 1},
		{"scopes missing", "ha-scopes", `{}`, 1},
		{"scopes are a string", "ha-scopes", `{"scopes":"server1"}`, 1},
		{"sync without name", "ha-sync", `{}`, 1},
		{"sync from itself", "ha-sync", `{"server-name":"server1"}`, 1},
		{"sync from a stranger", "ha-sync", `{"server-name":"x"}`, 1},
		{"sync from nobody there", "ha-sync", `{"server-name":"server2","max-period":1}`, 1},
		{"sync for no time", "ha-sync", `{"server-name":"server2","max-period":0}`, 1},
		{"notify without cancel", "ha-maintenance-notify", `{}`, 1},
		{"notify with a word", "ha-maintenance-notify", `{"cancel":"no"}`, 1},
		{"cancel without maintenance", "ha-maintenance-notify", `{"cancel":true}`, 1},
		{"maintenance", "ha-maintenance-notify", `{"cancel":false}`, 0},
		{"maintenance-cancel without maintenance", "ha-maintenance-cancel", ``, 1},
		{"notify", "ha-sync-complete-notify", ``, 0},
		{"notify with a word for origin", "ha-sync-complete-notify", `{"origin":"ha-partner"}`, 1},
		{"disable", "dhcp-disable", `{"max-period":5}`, 0},
		{"disable for no time", "dhcp-disable", `{"max-period":0}`, 1},
		{"disable by a stranger", "dhcp-disable", `{"origin":"x"}`, 1},
		{"disable by a number", "dhcp-disable", `{"origin":2001}`, 0},
		{"enable", "dhcp-enable", `{"origin-id":2000,"origin":"ha-partner"}`, 0},
		{"no changes", applyName, `{"time":0}`, 1},
		{"page without sync", pageName, `{"limit":10}`, 1},
		{"page without limit", pageName, `{}`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := startNode(t, hubConfig(t, "server1")...)
			var args json.RawMessage
			if c.args != "" {
				args = json.RawMessage(c.args)
			}
			if r := n.reg.Call(t.Context(), c.command, args); r.Result != c.want {
				t.Errorf("%s %s: %+v, want result %d", c.command, c.args, r, c.want)
			}
		})
	}
}

// ha-sync silences a Kea for as long as it says, or until it is told otherwise,
// and moves no state.
func TestSyncByHand(t *testing.T) {
	for args, want := range map[string]any{`{"server-name":"server2","max-period":17}`: 17.0, `{"server-name":"server2"}`: nil} {
		n, k := withFakeKea(t)
		if r := n.reg.Call(t.Context(), "ha-sync", json.RawMessage(args)); r.Result != 0 {
			t.Errorf("ha-sync %s: %+v", args, r)
		}
		k.set(func() {
			i := slices.IndexFunc(k.asked, func(q asked) bool { return q.Command == "dhcp-disable" })
			if i < 0 || k.asked[i].Arguments["max-period"] != want {
				t.Errorf("ha-sync %s sent %v", args, k.asked)
			}
		})
		if got := k.heard(); !slices.Equal(got, []string{"dhcp-disable", "lease4-get-page", "ha-sync-complete-notify"}) {
			t.Errorf("ha-sync %s sent %v", args, got)
		}
		if got := n.status(0).State; got != LoadBalancing {
			t.Errorf("ha-sync moved the state to %s", got)
		}
	}
}

// What ha-maintenance-start comes to, by the partner's answer.
func TestMaintenanceAnswers(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		result       int
		state        State
	}{
		{"accepted", `[ { "result": 0, "text": "ok" } ]`, 0, PartnerInMaintenance},
		{"not allowed now", `[ { "result": 1001, "text": "no" } ]`, 1, LoadBalancing},
		{"an error, from one that lives", `[ { "result": 1, "text": "no" } ]`, 1, LoadBalancing},
		{"unauthorized, by one that lives", `{ "result": 401, "text": "Unauthorized" }`, 1, LoadBalancing},
		{"no answer of a DHCP server", `<html>`, 0, PartnerDown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n, k := withFakeKea(t)
			k.set(func() {
				k.odd["ha-maintenance-notify"] = c.answer
				if c.state == PartnerDown {
					k.hang["ha-heartbeat"] = true // else the next one begins a sync
				}
			})
			if a := n.ask(t, "ha-maintenance-start", nil); a.Result != c.result {
				t.Errorf("answered %+v, want result %d", a, c.result)
			}
			n.reach(c.state)
		})
	}
}

// Cancelling needs the partner's consent; its new state comes with it.
func TestMaintenanceCancelAnswers(t *testing.T) {
	n, k := withFakeKea(t)
	n.ask(t, "ha-maintenance-start", nil)
	n.reach(PartnerInMaintenance)
	k.set(func() {
		k.state = "in-maintenance"
		k.odd["ha-maintenance-notify"] = `[ { "result": 1, "text": "no" } ]`
	})
	if a := n.ask(t, "ha-maintenance-cancel", nil); a.Result != 1 {
		t.Errorf("a cancel that the partner refuses: %+v", a)
	}
	k.set(func() {
		k.state = "load-balancing"
		k.odd["ha-maintenance-notify"] = `[ { "result": 0, "arguments": { "state": "load-balancing" } } ]`
	})
	waitFor(t, "the cancel works", func() bool { return n.ask(t, "ha-maintenance-cancel", nil).Result == 0 })
	n.reach(LoadBalancing)
}

// What is queued in an outage is sent in order when it is over, to a Kea one by
// one, and the state is left when all of it is there. A deletion of an address that
// was given away again is not sent: the partner may have read that lease already.
func TestBacklogIsSentInOrder(t *testing.T) {
	n, k := withFakeKea(t)
	k.set(func() { k.state = "unavailable" })
	n.reach(CommunicationRecovery)
	k.heard()
	for i, addr := range []string{"192.0.2.20", "192.0.2.21", "192.0.2.22"} {
		if !n.lease(addr, byte(i)) {
			t.Error("a reply waited for a partner that is away")
		}
	}
	for _, addr := range []string{"192.0.2.20", "192.0.2.21"} {
		var b leases.Batch
		b.Query(0, 0)
		if n.store.Delete(&b, netip.MustParseAddr(addr)); !n.replicate(&b) {
			t.Error("a deletion waited for a partner that is away")
		}
	}
	n.lease("192.0.2.20", 9)
	k.set(func() { k.state = "load-balancing" })
	n.reach(LoadBalancing)
	var got []string
	k.mu.Lock()
	for _, q := range k.asked {
		if strings.HasPrefix(q.Command, "lease4-") {
			got = append(got, strings.TrimPrefix(q.Command, "lease4-")+" "+q.Arguments["ip-address"].(string))
		}
	}
	k.mu.Unlock()
	if want := []string{"update 192.0.2.20", "update 192.0.2.21", "update 192.0.2.22", "del 192.0.2.21", "update 192.0.2.20"}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

// A backlog that overflowed is not sent: the partner is reset and both start
// from a sync.
func TestOverflownBacklogResets(t *testing.T) {
	k := newFakeKea(t)
	conf := pairConfig("server1", "load-balancing", freePort(t), k.addr)
	conf.DelayedUpdatesLimit, conf.MaxResponseDelay = 2, time.Minute
	n := startNode(t, conf)
	n.reach(LoadBalancing)
	k.set(func() { k.state = "unavailable" })
	n.reach(CommunicationRecovery)
	k.heard()
	for i, addr := range []string{"192.0.2.20", "192.0.2.21", "192.0.2.22"} {
		n.lease(addr, byte(i))
	}
	k.set(func() { k.state = "load-balancing" })
	n.reach(LoadBalancing)
	got := k.heard()
	if want := []string{"ha-reset", "dhcp-disable", "lease4-get-page", "ha-sync-complete-notify"}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}
