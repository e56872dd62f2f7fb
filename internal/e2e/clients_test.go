package e2e

import (
	"strings"
	"testing"
	"time"
)

// Real clients take a lease, confirm it, give it back, and a second one gets
// another address.
func TestRealClients(t *testing.T) {
	for _, kind := range []string{"dhclient", "udhcpc", "dhcpcd"} {
		t.Run(kind, func(t *testing.T) {
			b := newBed(t, kind)
			// dhclient renews by itself only: half a lease of 6 s.
			a := b.serve(t, b.config(`"valid-lifetime": 6, "renew-timer": 2, "rebind-timer": 5, "cache-threshold": 0.0,`, ""))
			ctx := deadline(t, 40*time.Second)
			c, err := b.Client(kind, b.host(t, "client", ""))
			must(t, err)
			addr, lifetime, err := c.Bound(ctx, 0)
			must(t, err)
			if !strings.HasPrefix(addr, "192.0.") || lifetime != "6" {
				t.Errorf("got %s for %s s", addr, lifetime)
			}
			before := len(c.Events())
			must(t, c.Renew())
			if again, _, err := c.Bound(ctx, before); err != nil || again != addr {
				t.Errorf("renewal: %s, %v, had %s", again, err, addr)
			}
			other, err := b.Client(kind, b.host(t, "second", ""))
			must(t, err)
			if second, _, err := other.Bound(ctx, 0); err != nil || second == addr {
				t.Errorf("second client: %s, %v, first has %s", second, err, addr)
			}
			must(t, c.Release(ctx))
			awaitStatistic(t, a, "pkt4-release-received", "1")
			must(t, a.Stop())
		})
	}
}
