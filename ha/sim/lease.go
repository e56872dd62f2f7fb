package sim

import (
	"maps"
	"net/netip"
	"time"

	"needletail/ha"
	"needletail/leases"
)

// table is one server's leases and tombstones: what queries see, and what would
// survive a crash now.
type table struct{ live, disk memory }

// memory is leases, and the addresses whose lease was deleted, and when.
type memory struct {
	leases map[netip.Addr]leases.Lease
	graves map[netip.Addr]time.Time
}

func newMemory() memory {
	return memory{map[netip.Addr]leases.Lease{}, map[netip.Addr]time.Time{}}
}

func newTable() *table { return &table{newMemory(), newMemory()} }

// apply makes a change. As in the store, a tombstone outlives the address's next
// lease.
func (m memory) apply(u ha.Update) {
	if u.Delete {
		delete(m.leases, u.Lease.Addr)
		m.graves[u.Lease.Addr] = u.At
		return
	}
	m.leases[u.Lease.Addr] = u.Lease
}

// crash forgets what is not on disk.
func (t *table) crash() {
	t.live = memory{maps.Clone(t.disk.leases), maps.Clone(t.disk.graves)}
}

// held reports whether nobody else may have the address now: it is a client's,
// or was declined.
func held(l leases.Lease, now time.Time) bool {
	return (l.State == leases.Active || l.State == leases.Declined) && now.Before(l.Expires().Add(grace))
}

// grace is how long an expired lease is left alone: clocks of partners are
// compared by whole seconds, so that an expiry told by a partner is a second off.
const grace = 2 * time.Second

// of returns the lease of a client, valid or not.
func (t *table) of(id string, pools []netip.Addr) (leases.Lease, bool) {
	for _, a := range pools {
		if l, ok := t.live.leases[a]; ok && string(l.ClientID) == id && l.State == leases.Active {
			return l, true
		}
	}
	return leases.Lease{}, false
}
