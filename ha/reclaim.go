package ha

import (
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
	"needletail/leases"
)

// Reclaims tells whether this server reclaims an expired lease. Each server
// reclaims its own copy of every lease, but a terminated one only those of the
// clients it serves: the partner does the same with the others (Kea:
// ha_service.cc, shouldReclaim, since 2.7.6). Leases of no relationship are
// always reclaimed. Any goroutine may call it.
func (d *Driver) Reclaims(l *leases.Lease) bool {
	of := d.relationshipOf(l.SubnetID)
	if of == nil || !of.terminated.Load() {
		return true
	}
	s := of.scope.Load()
	switch {
	case s == nil:
		return true
	case s.Mode != scope.Hashed:
		return s.Serve.Count() > 0
	case len(l.ClientID) > 0:
		return s.Serve.Has(rfc3074.Hash(l.ClientID))
	}
	return s.Serve.Has(rfc3074.Hash(l.HW))
}

// relationshipOf finds the relationship of a subnet: the only one, or that of
// the peer its ha-server-name names.
func (d *Driver) relationshipOf(subnet uint32) *link {
	if len(d.links) == 1 {
		return d.links[0]
	}
	for i, only := range d.filter {
		if only[subnet] {
			return d.links[i]
		}
	}
	return nil
}
