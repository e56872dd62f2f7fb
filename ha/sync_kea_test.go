package ha

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a Kea may answer during a sync, and what is sent then.
func TestAnswersDuringSync(t *testing.T) {
	const no, page, disable, notify = `[ { "result": 1, "text": "no" } ]`, "lease4-get-page", "dhcp-disable", "ha-sync-complete-notify"
	for _, c := range []struct {
		name  string
		odd   map[string]string
		ok    bool
		sends []string
	}{
		{"all well", nil, true, []string{disable, page, notify}},
		{"disable empty", map[string]string{disable: `[ { "result": 3 } ]`}, true, []string{disable, page, notify}},
		{"disable refused", map[string]string{disable: no}, false, []string{disable}},
		{"disable unsupported", map[string]string{disable: `[ { "result": 2 } ]`}, false, []string{disable}},
		{"page refused", map[string]string{page: no}, false, []string{disable, page, "dhcp-enable"}},
		{"page conflict", map[string]string{page: `[ { "result": 4 } ]`}, false, []string{disable, page, "dhcp-enable"}},
		{"page without arguments", map[string]string{page: `[ { "result": 0 } ]`}, false, []string{disable, page, "dhcp-enable"}},
		{"page garbage", map[string]string{page: `[ { "result": 0, "arguments": { "leases": "x" } } ]`}, false, []string{disable, page, "dhcp-enable"}},
		{"notify unsupported", map[string]string{notify: `[ { "result": 2 } ]`}, true, []string{disable, page, notify, "dhcp-enable"}},
		{"notify refused", map[string]string{notify: no}, false, []string{disable, page, notify}},
		{"notify conflict", map[string]string{notify: `[ { "result": 4 } ]`}, false, []string{disable, page, notify}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n, k := withFakeKea(t)
			k.set(func() { k.odd = c.odd })
			_, err := n.sync(context.Background(), n.links[0], n.links[0].partner, time.Minute)
			if (err == nil) != c.ok {
				t.Errorf("sync: %v, want success %v", err, c.ok)
			}
			if got := k.heard(); !slices.Equal(got, c.sends) {
				t.Errorf("sent %v, want %v", got, c.sends)
			}
		})
	}
}

// A sync-timeout of 0, which Kea's parser lets pass, leaves a page the second
// that max-period has at least: from a Kea and between needletails.
func TestSyncTimeoutHasAMinimum(t *testing.T) {
	k := newFakeKea(t)
	conf := pairConfig("server1", "load-balancing", freePort(t), k.addr)
	conf.SyncTimeout = 0
	n := startNode(t, conf)
	n.reach(LoadBalancing)
	k.set(func() {
		for _, q := range k.asked {
			if period, ok := q.Arguments["max-period"]; q.Command == "dhcp-disable" && (!ok || period != 1.0) {
				t.Errorf("dhcp-disable with max-period %v", period)
			}
		}
	})
	a, b := freePort(t), freePort(t)
	one, two := pairConfig("server1", "hot-standby", a, b), pairConfig("server2", "hot-standby", a, b)
	one.SyncTimeout, two.SyncTimeout = 0, time.Millisecond
	first, second := startNode(t, one), startNode(t, two)
	first.reach(HotStandby)
	second.reach(HotStandby)
}

// The partner hears that a sync is complete when its leases are on our disk: what
// never got there it must not take for known. A store that is closed takes
// nothing.
func TestKeaSyncIsOnDiskBeforeItsEnd(t *testing.T) {
	n, k := withFakeKea(t)
	k.set(func() {
		k.odd["lease4-get-page"] = `[ { "result": 0, "arguments": { "leases": [ { "ip-address": "192.0.2.20", "subnet-id": 1, "hw-address": "02:00:00:00:00:0a", "cltt": 1700000000, "valid-lft": 4000000000, "state": 0 } ] } } ]`
	})
	s := testStore(t, t.TempDir())
	m := newMerger(s, nil, new(touched))
	s.Close()
	if err := n.links[0].syncKea(context.Background(), n.links[0].partner, n.links[0].partner.ctl, time.Minute, m); err == nil || m.changed != 1 {
		t.Errorf("sync: %v, %d leases taken over", err, m.changed)
	}
	if got := k.heard(); !slices.Equal(got, []string{"dhcp-disable", "lease4-get-page", "dhcp-enable"}) {
		t.Errorf("sent %v", got)
	}
}

// A partner whose full pages do not go on, or tell no address to go on from, ends
// the sync with an error and is let go: it would else be silenced for ever.
func TestKeaPagesMustGoOn(t *testing.T) {
	n, k := withFakeKea(t)
	l := n.links[0]
	l.conf.SyncPageLimit = 1
	for name, c := range map[string]struct {
		page  string
		pages int // asked for
	}{
		"the same page again": {`{ "ip-address": "192.0.2.20", "subnet-id": 1, "hw-address": "02:00:00:00:00:0a", "cltt": 1700000000, "valid-lft": 4000000000, "state": 0 }`, 2},
		"no address":          {`{ "ip-address": "nowhere" }`, 1},
	} {
		k.set(func() {
			k.odd["lease4-get-page"] = `[ { "result": 0, "arguments": { "leases": [ ` + c.page + ` ] } } ]`
		})
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := l.syncKea(ctx, l.partner, l.partner.ctl, time.Minute, newMerger(n.store, nil, new(touched)))
		cancel()
		if err == nil || !strings.Contains(err.Error(), "a full page ends at") {
			t.Errorf("%s: %v", name, err)
		}
		want := slices.Repeat([]string{"dhcp-disable", "lease4-get-page"}, c.pages)
		if got := k.heard(); !slices.Equal(got, append(want, "dhcp-enable")) {
			t.Errorf("%s: sent %v", name, got)
		}
	}
}
