package netif

import (
	"net/netip"
)

// Pattern is one element of Kea's interfaces list: "eth0", "eth0/192.0.2.1"
// (queries to that address or to broadcast only), or "*" (every interface that
// can serve).
type Pattern struct {
	Name string
	Addr netip.Addr // invalid: any address of the interface
}

// every is the pattern of every interface that can serve.
const every = "*"

// String returns the pattern as Kea writes it.
func (p Pattern) String() string {
	if p.Addr.IsValid() {
		return p.Name + "/" + p.Addr.String()
	}
	return p.Name
}

// Picked is an interface to serve.
type Picked struct {
	Interface
	Only []netip.Addr // if not empty, the addresses to serve
}

// Pick selects the interfaces that patterns ask for, each once, in the order
// of all. The wildcard takes those that are up, no loopback and have an IPv4
// address, as Kea does (iface_mgr.cc, openSockets4); a name takes the
// interface in any state, since it can come up later. missing are the patterns
// that nothing matches: no such interface, or not that address on it.
func Pick(all []Interface, patterns []Pattern) (picked []Picked, missing []Pattern) {
	matched := make([]bool, len(patterns))
	for _, i := range all {
		p := Picked{Interface: i}
		take, whole := false, false
		for n, pat := range patterns {
			switch {
			case pat.Name == every:
				matched[n] = true
				if i.Up && !i.Loopback && len(i.Addresses) > 0 {
					take, whole = true, true
				}
			case pat.Name != i.Name:
			case !pat.Addr.IsValid():
				matched[n], take, whole = true, true, true
			case i.Has(pat.Addr):
				matched[n], take = true, true
				p.Only = append(p.Only, pat.Addr)
			}
		}
		if whole {
			p.Only = nil
		}
		if take {
			picked = append(picked, p)
		}
	}
	for n, pat := range patterns {
		if !matched[n] {
			missing = append(missing, pat)
		}
	}
	return picked, missing
}

// VLANsServed are the VLAN ids on an interface that have a picked interface of
// their own. The kernel shows their queries there, so they are not the parent's.
func VLANsServed(parent int, picked []Picked) map[uint16]struct{} {
	var ids map[uint16]struct{}
	for _, p := range picked {
		if p.Kind != "vlan" || p.Parent != parent {
			continue
		}
		if ids == nil {
			ids = make(map[uint16]struct{})
		}
		ids[p.VLAN] = struct{}{}
	}
	return ids
}
