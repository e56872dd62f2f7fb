package leases

import (
	"net/netip"
	"time"
)

// State of a lease. Active to Released have Kea's numbers (dhcpsrv/lease.h)
// and travel to disk and partner; Free and Offered exist in memory only.
type State uint8

// States.
const (
	Active    State = 0 // Kea: default, assigned
	Declined  State = 1
	Reclaimed State = 2 // expired-reclaimed: remembered for its former client
	Released  State = 3
	Free      State = 0xfe
	Offered   State = 0xff
)

// Infinite is the lifetime that never ends, in seconds (RFC 2131 section 3.3).
const Infinite = 0xffffffff

// Client is who a lease belongs to: option 61 if used, else hardware type and
// address. ID may alias a query's bytes; the store copies what it keeps.
type Client struct {
	HType, HLen uint8
	HW          [16]byte
	ID          []byte // option 61 data; nil if absent or match-client-id is false
}

// Lease is one lease in full: the form for administrators, partners and files.
// The hot path uses View.
type Lease struct {
	Addr        netip.Addr
	SubnetID    uint32
	PoolID      uint32
	HType       uint8
	HW          []byte // empty for a declined lease
	ClientID    []byte
	CLTT        time.Time // client last transaction time, whole seconds
	ValidLft    uint32    // s; Infinite never ends
	State       State
	Hostname    string // lower case, "" if none
	FQDNFwd     bool
	FQDNRev     bool
	UserContext []byte // JSON map or nil; relay agent info lies in it as Kea keeps it
}

// Expires returns when the lease ends; far in the future for Infinite.
func (l *Lease) Expires() time.Time {
	if l.ValidLft == Infinite {
		return time.Unix(1<<40, 0)
	}
	return l.CLTT.Add(time.Duration(l.ValidLft) * time.Second)
}
