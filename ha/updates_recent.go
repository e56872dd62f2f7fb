package ha

import (
	"encoding/binary"
	"net/netip"
)

// recentSize is how many addresses a lane remembers the last change of. Two
// workers can only be out of order by the moment between a change and its
// Replicate, so few are enough.
const recentSize = 1024

// recent is the last change number of addresses that lately took a lane.
type recent struct {
	addrs [recentSize]uint32
	seqs  [recentSize]uint64
}

// newer notes a change, and tells whether no later one of its address was here.
func (r *recent) newer(a netip.Addr, seq uint64) bool {
	b := a.As4()
	addr := binary.BigEndian.Uint32(b[:])
	i := addr * 0x9e3779b1 >> 22 // the 10 top bits of a multiplicative hash
	if r.addrs[i] == addr && seq < r.seqs[i] {
		return false
	}
	r.addrs[i], r.seqs[i] = addr, seq
	return true
}
