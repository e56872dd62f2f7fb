package ha

import (
	"context"
	"slices"
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
