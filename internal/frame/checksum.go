package frame

import (
	"encoding/binary"
	"math/bits"
)

// sum adds the 16-bit words of b to a ones' complement sum that is not folded
// yet (RFC 1071). It adds eight bytes at a time, which section 2 (B) of the RFC
// allows because the sum is independent of word size until it is folded.
func sum(b []byte, s uint64) uint64 {
	var c uint64
	for len(b) >= 32 {
		s, c = bits.Add64(s, binary.BigEndian.Uint64(b), c)
		s, c = bits.Add64(s, binary.BigEndian.Uint64(b[8:]), c)
		s, c = bits.Add64(s, binary.BigEndian.Uint64(b[16:]), c)
		s, c = bits.Add64(s, binary.BigEndian.Uint64(b[24:]), c)
		b = b[32:]
	}
	for len(b) >= 8 {
		s, c = bits.Add64(s, binary.BigEndian.Uint64(b), c)
		b = b[8:]
	}
	var tail uint64 // what is left, padded with zero bytes on the right
	for i, x := range b {
		tail |= uint64(x) << (56 - 8*i)
	}
	s, c = bits.Add64(s, tail, c)
	s, c = bits.Add64(s, 0, c)
	return s + c
}

// fold brings a sum down to the 16 bits that go on the wire, not complemented.
func fold(s uint64) uint16 {
	s = s>>32 + s&0xffffffff
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return uint16(s)
}

// pseudo is the sum of the pseudo header of RFC 768. The addresses are eight
// bytes that lie together in an IPv4 header.
func pseudo(addresses []byte, udpLength int) uint64 {
	return sum(addresses[:8], uint64(protoUDP)+uint64(udpLength))
}
