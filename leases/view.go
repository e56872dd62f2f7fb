package leases

import "net/netip"

// View is one lease as the hot path sees it: values only, valid at the moment
// of the call, while the Txn is open.
type View struct {
	Addr     netip.Addr
	SubnetID uint32
	PoolID   uint32
	Subnet   int // index in the network
	Pool     int // index in the subnet; -1 outside pools
	State    State
	Under    State  // of an offer: the state of the stored lease beneath it, Free if none
	CLTT     int64  // client last transaction time, unix s
	ValidLft uint32 // s
	FQDNFwd  bool
	FQDNRev  bool
	// Durable: every change of the lease is on disk and no partner refused
	// one; only then may a renewal be answered without writing.
	Durable bool
	Mine    bool // belongs to the client asked for
}

// Expires returns when the lease ends, unix s; far in the future for Infinite.
func (v *View) Expires() int64 {
	if v.ValidLft == Infinite {
		return 1 << 40
	}
	return v.CLTT + int64(v.ValidLft)
}

// Grant is what Commit gives a client.
type Grant struct {
	CLTT        int64  // unix s
	ValidLft    uint32 // s; Infinite never ends
	Hostname    []byte // lower case; copied
	FQDNFwd     bool
	FQDNRev     bool
	UserContext []byte // JSON map or nil; copied
}
