package ha

import (
	"net/netip"
	"strings"
	"testing"

	"needletail/internal/config"
)

// What is accepted and seldom meant is said, and nothing else.
func TestCautions(t *testing.T) {
	on, off := config.Threading{Enabled: true}, config.Threading{}
	for _, c := range []struct {
		name   string
		core   config.Threading
		change func(*config.Relationship)
		want   []string // how what is said begins
	}{
		{"as usual", on, func(*config.Relationship) {}, nil},
		{"no updates", on, func(r *config.Relationship) { r.SendLeaseUpdates = false }, []string{"send-lease-updates is off", "send-lease-updates and sync-leases differ"}},
		{"no sync", on, func(r *config.Relationship) { r.SyncLeases = false }, []string{"sync-leases is off", "send-lease-updates and sync-leases differ"}},
		{"neither", on, func(r *config.Relationship) { r.SyncLeases, r.SendLeaseUpdates = false, false }, []string{"send-lease-updates is off", "sync-leases is off"}},
		{"own auto-failover", on, func(r *config.Relationship) { r.Peers[0].AutoFailover = false }, []string{"auto-failover of this server is off"}},
		{"the partner's auto-failover", on, func(r *config.Relationship) { r.Peers[1].AutoFailover = false }, nil},
		{"no partner to synchronise with", on, func(r *config.Relationship) {
			r.Mode, r.Peers, r.SyncLeases = "passive-backup", r.Peers[:1], false
			r.Peers[0].AutoFailover = false
		}, nil},
		{"one thread", off, func(r *config.Relationship) { r.MultiThreading = false }, []string{"multi-threading of Dhcp4 is off"}},
		{"one thread for HA", on, func(r *config.Relationship) { r.MultiThreading = false }, []string{"multi-threading of HA is off"}},
	} {
		r := pairConfig("server1", "load-balancing", netip.AddrPort{}, netip.AddrPort{})
		c.change(r)
		got := cautions(r, c.core)
		same := len(got) == len(c.want)
		for i := range min(len(got), len(c.want)) {
			same = same && strings.HasPrefix(got[i], c.want[i])
		}
		if !same {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
