package ha

import (
	"slices"
	"testing"

	"needletail/internal/control"
)

// A Kea that is read by a new sync is not enabled by the end of an abandoned
// one: that has let go of it before the new one begins, and waits for no page.
func TestAbandonedSyncEndsFirst(t *testing.T) {
	for name, began := range map[string]func(n *node, k *fakeKea){
		"the machine's own": func(n *node, k *fakeKea) { n.ask(t, "ha-reset", nil) },
		"by hand": func(n *node, k *fakeKea) {
			go n.reg.Call(t.Context(), "ha-sync", []byte(`{"server-name":"server2"}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, k := withFakeKea(t)
			k.set(func() { k.hang["lease4-get-page"] = true })
			began(n, k)
			waitFor(t, "a page is asked for", func() bool { return slices.Contains(k.names(), "lease4-get-page") })
			k.set(func() { delete(k.hang, "lease4-get-page") })
			if a := n.ask(t, "ha-sync", arguments{"server-name": "server2"}); a.Result != control.ResultError {
				t.Errorf("a second sync beside the first: %+v", a)
			}
			n.ask(t, "ha-reset", nil)
			n.reach(LoadBalancing)
			want := []string{"dhcp-disable", "lease4-get-page", "dhcp-enable", "dhcp-disable", "lease4-get-page", "ha-sync-complete-notify"}
			if got := k.heard(); !slices.Equal(got, want) {
				t.Errorf("sent %v, want %v", got, want)
			}
		})
	}
}
