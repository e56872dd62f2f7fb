package flood

import "encoding/binary"

// Lengths of the template: see flood.bpf.c.
const (
	etherLen = 14
	ipLen    = 20
	udpLen   = 8
	bootpLen = 236
	frameLen = etherLen + ipLen + udpLen + bootpLen + 4 + 3 + 10 + 6 + 1
)

// template is a broadcast DISCOVER whose client the program fills in. The UDP
// checksum is zero, which IPv4 allows (RFC 768), so only the IP header needs
// one, and that does not vary.
func template(dst, src [6]byte) []byte {
	f := make([]byte, frameLen)
	copy(f, dst[:])
	copy(f[6:], src[:])
	binary.BigEndian.PutUint16(f[12:], 0x0800)
	ip := f[etherLen:]
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], frameLen-etherLen)
	copy(ip[16:], []byte{255, 255, 255, 255})
	binary.BigEndian.PutUint16(ip[10:], checksum(ip[:ipLen]))
	udp := ip[ipLen:]
	binary.BigEndian.PutUint16(udp, 68)
	binary.BigEndian.PutUint16(udp[2:], 67)
	binary.BigEndian.PutUint16(udp[4:], frameLen-etherLen-ipLen)
	message(udp[udpLen:])
	return f
}

func message(m []byte) {
	m[0], m[1], m[2] = 1, 1, 6 // BOOTREQUEST, Ethernet
	o := m[bootpLen:]
	n := copy(o, []byte{0x63, 0x82, 0x53, 0x63, 53, 1, 1, 61, 8})
	n += 8 // the program's
	n += copy(o[n:], []byte{55, 4, 1, 3, 6, 51})
	o[n] = 255
}

// checksum is the Internet checksum (RFC 1071) of an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// sums returns the header checksum of the template and the one it has with the
// more-fragments flag, as the two bytes lie in the frame.
func sums(f []byte) (whole, fragment uint16) {
	ip := append([]byte(nil), f[etherLen:etherLen+ipLen]...)
	whole = binary.NativeEndian.Uint16(ip[10:])
	ip[6] = 0x20
	ip[10], ip[11] = 0, 0
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], checksum(ip))
	return whole, binary.NativeEndian.Uint16(b[:])
}
