package load

import "encoding/binary"

// An ARP packet for IPv4 on Ethernet (RFC 826): offsets and length.
const (
	arpOp     = 6
	arpSender = 8  // hardware address, and then the other
	arpTarget = 18 // the same of the target
	arpLen    = 28
)

// ARP packets begin with their kinds of addresses and their lengths.
const (
	etherARP   = 0x0806
	arpKind    = 0x000108000604
	arpRequest = 1
	arpReply   = 2
)

// whoHas returns the address whose owner an ARP request asks for, false if a
// frame is none.
func whoHas(f []byte) (uint32, bool) {
	if len(f) < etherLen+arpLen || binary.BigEndian.Uint16(f[12:]) != etherARP {
		return 0, false
	}
	p := f[etherLen:]
	return binary.BigEndian.Uint32(p[arpTarget+6:]), binary.BigEndian.Uint64(p) == arpKind<<16|arpRequest
}

// putARP writes the reply to the request f and returns its length.
func putARP(b, f []byte, own [6]byte) int {
	copy(b, f[6:12])
	copy(b[6:], own[:])
	p, q := b[etherLen:], f[etherLen:]
	binary.BigEndian.PutUint16(b[12:], etherARP)
	binary.BigEndian.PutUint64(p, arpKind<<16|arpReply)
	copy(p[arpSender:], own[:])
	copy(p[arpSender+6:], q[arpTarget+6:arpLen])
	copy(p[arpTarget:], q[arpSender:arpTarget])
	return etherLen + arpLen
}

// resolve answers for the clients on the link, as their hosts would: a server
// that answers through its kernel sends nothing to a client before. For a
// relay the kernel answers.
func (g *Generator) resolve(f []byte, addr uint32) {
	n, ok := g.owners.of(addr)
	if !ok || g.clients[n].addr != addr || len(g.relays) > 0 {
		return
	}
	buf := g.link.Buffer()
	if buf == nil {
		g.res.LinkFull++
		return
	}
	g.link.Commit(putARP(buf, f, mac(g.cfg.Salt, n)))
	g.res.Resolved++
}
