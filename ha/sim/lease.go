package sim

import (
	"net/netip"
	"time"

	"needletail/leases"
)

// table is one server's leases: what queries see, and what would survive a
// crash now.
type table struct {
	live map[netip.Addr]leases.Lease
	disk map[netip.Addr]leases.Lease
}

func newTable() *table {
	return &table{live: map[netip.Addr]leases.Lease{}, disk: map[netip.Addr]leases.Lease{}}
}

// crash forgets what is not on disk.
func (t *table) crash() {
	t.live = map[netip.Addr]leases.Lease{}
	for a, l := range t.disk {
		t.live[a] = l
	}
}

// held reports whether the address belongs to a client now.
func held(l leases.Lease, now time.Time) bool {
	return l.State == leases.Active && now.Before(l.Expires().Add(grace))
}

// grace is how long an expired lease is left alone: clocks of partners are
// compared by whole seconds, so that an expiry told by a partner is a second off.
const grace = 2 * time.Second

// merge takes a lease of the partner's sync (Kea: lease_sync_filter.cc and
// ha_service.cc, asyncSyncLeases): only over an older one, by client last
// transaction time; or over one that the partner refused, which nobody was told
// of (blindly).
func (t *table) merge(l leases.Lease, blindly bool) bool {
	if have, ok := t.live[l.Addr]; ok && !blindly && !have.CLTT.Before(l.CLTT) {
		return false
	}
	t.live[l.Addr] = l
	return true
}

// of returns the lease of a client, valid or not.
func (t *table) of(id string, pools []netip.Addr) (leases.Lease, bool) {
	for _, a := range pools {
		if l, ok := t.live[a]; ok && string(l.ClientID) == id && l.State == leases.Active {
			return l, true
		}
	}
	return leases.Lease{}, false
}
