package slowpath

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"needletail/internal/frame"
)

// Addresses are numbers where they are compared and masked, frame.IP where
// they are copied, netip.Addr at the border to the store.

func number(a frame.IP) uint32 { return binary.BigEndian.Uint32(a[:]) }

func ipOf(n uint32) (a frame.IP) {
	binary.BigEndian.PutUint32(a[:], n)
	return a
}

func netAddr(n uint32) netip.Addr { return netip.AddrFrom4(ipOf(n)) }

// addrNumber converts an IPv4 address; anything else is 0.
func addrNumber(a netip.Addr) uint32 {
	if !a.Is4() && !a.Is4In6() {
		return 0
	}
	return number(a.As4())
}

func prefixLen(mask uint32) int { return bits.OnesCount32(mask) }

func maskOf(length int) uint32 { return uint32(uint64(0xffffffff) << (32 - length)) }

var (
	anyAddress   = frame.IP{}
	allBroadcast = frame.IP{255, 255, 255, 255}
)
