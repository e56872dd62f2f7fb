package leases

import (
	"math"
	"net/netip"
)

// slot is one address of a network: 64 bytes, one cache line, no pointers, so
// that ten million of them cost the garbage collector nothing. The zero slot is
// an address that was never used.
type slot struct {
	seq    uint64 // change number of the latest change
	cltt   uint32 // unix s, good until 2106
	valid  uint32 // s
	until  uint32 // unix s: end of an offer; of an active lease, see ends
	prev   uint32 // neighbours in the list it is in
	next   uint32
	ext    uint32 // long and rare data, see arena
	list   uint16 // which list of its pool; listNone if in none
	st     uint8  // State + 2, so that zero is Free
	flags  uint8
	htype  uint8
	hlen   uint8
	idLen  uint8
	inline [inlineMax]byte // hardware address, then client id, if both fit
}

const slotBytes = 64

// inlineMax bytes hold an Ethernet address and an RFC 4361 client id made from
// a DUID-LLT (6 + 19).
const inlineMax = 25

// Flags of a slot.
const (
	flagDurable  = 1 << iota // its latest change is on disk and refused by nobody
	flagFwd                  // fqdn-fwd
	flagRev                  // fqdn-rev
	flagStored               // a record of this address may be on disk
	flagLong                 // hardware address and client id lie in ext
	flagUnder                // two bits: what an offer hides, see under
	flagUnderMax = 3 * flagUnder
	flagVouched  = flagUnder     // of an active lease: before its latest change it was settled, to end at until
	flagTold     = 4 * flagUnder // its latest change is not a query's: an administrator's or a partner's
)

func (s *slot) state() State     { return State(s.st - 2) }
func (s *slot) setState(x State) { s.st = uint8(x) + 2 }

// under tells which stored lease an offer hides and returns to when it times
// out: Active (expired), Reclaimed, Released, or Free for none. The bits mean something
// else where there is no offer (flagVouched).
func (s *slot) under() State {
	if s.state() != Offered {
		return Free
	}
	switch s.flags / flagUnder & 3 {
	case 1:
		return Active
	case 2:
		return Reclaimed
	case 3:
		return Released
	}
	return Free
}

func (s *slot) setUnder(x State) {
	s.flags &^= flagUnderMax
	switch x {
	case Active:
		s.flags |= flagUnder
	case Reclaimed:
		s.flags |= 2 * flagUnder
	case Released:
		s.flags |= 3 * flagUnder
	}
}

// expires is the end of the lease, unix s.
func (s *slot) expires() int64 {
	if s.valid == Infinite {
		return 1 << 40
	}
	return int64(s.cltt) + int64(s.valid)
}

// ends is when the address may be someone else's, unix s: when the lease is over,
// and so is what its client was told before. A change that shortens a lease is
// told nobody before it is settled; until then until has the end before it.
func (s *slot) ends() int64 {
	if s.state() != Active {
		return s.expires()
	}
	return max(s.expires(), fromShort(s.until))
}

// shortTime and fromShort keep an end in 32 bits; those after 2106 are far away.
func shortTime(end int64) uint32 { return uint32(min(end, math.MaxUint32)) }

func fromShort(end uint32) int64 {
	if end == math.MaxUint32 {
		return 1 << 40
	}
	return int64(end)
}

// hasClient tells whether the slot names a client, and so is in the index.
func (s *slot) hasClient() bool { return s.hlen != 0 || s.idLen != 0 }

// chunkBits: slots come in chunks of 512 (32 KiB), made when first touched, so
// that a pool as large as 10.0.0.0/8 costs what is used of it.
const chunkBits = 9

const chunkSlots = 1 << chunkBits

// chunk is a run of slots of one pool.
type chunk struct {
	pool  *pool
	used  int      // slots that are no longer as new
	first uint32   // address of slots[0], unless addrs
	slots []slot   // shorter than chunkSlots at the end of a pool
	addrs []uint32 // outside pools: the address of each slot
}

// addr returns the address of the i-th slot.
func (c *chunk) addr(i uint32) uint32 {
	if c.addrs != nil {
		return c.addrs[i]
	}
	return c.first + i
}

// toU32 returns the IPv4 address as a number; false for anything else.
func toU32(a netip.Addr) (uint32, bool) {
	if !a.Is4() && !a.Is4In6() {
		return 0, false
	}
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]), true
}

func toAddr(u uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(u >> 24), byte(u >> 16), byte(u >> 8), byte(u)})
}
