package load

import "encoding/binary"

const (
	etherLen   = 14
	ipLen      = 20
	udpLen     = 8
	headersLen = etherLen + ipLen + udpLen
)

// An envelope addresses one query.
type envelope struct {
	dstMAC, srcMAC   [6]byte
	src, dst         uint32
	srcPort, dstPort uint16
}

// put writes the headers for a message of n bytes that already lies at
// b[headersLen:], and returns the frame's length. The UDP checksum is zero,
// which IPv4 allows (RFC 768).
func (e *envelope) put(b []byte, n int) int {
	copy(b, e.dstMAC[:])
	copy(b[6:], e.srcMAC[:])
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	ip := b[etherLen:]
	ip[0], ip[1] = 0x45, 0
	binary.BigEndian.PutUint16(ip[2:], uint16(ipLen+udpLen+n))
	binary.BigEndian.PutUint32(ip[4:], 0)
	ip[8], ip[9] = 64, 17
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint32(ip[12:], e.src)
	binary.BigEndian.PutUint32(ip[16:], e.dst)
	binary.BigEndian.PutUint16(ip[10:], checksum(ip[:ipLen]))
	udp := ip[ipLen:]
	binary.BigEndian.PutUint16(udp, e.srcPort)
	binary.BigEndian.PutUint16(udp[2:], e.dstPort)
	binary.BigEndian.PutUint16(udp[4:], uint16(udpLen+n))
	binary.BigEndian.PutUint16(udp[6:], 0)
	return headersLen + n
}

// checksum is the Internet checksum (RFC 1071) of an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// payload returns the DHCP message of a frame from a server's port 67, nil if
// the frame carries none.
func payload(f []byte) []byte {
	if len(f) < headersLen || f[12] != 8 || f[13] != 0 {
		return nil
	}
	ip := f[etherLen:]
	head := int(ip[0]&0xf) * 4
	if ip[0]>>4 != 4 || head < ipLen || ip[9] != 17 || len(ip) < head+udpLen {
		return nil
	}
	udp := ip[head:]
	if binary.BigEndian.Uint16(udp) != 67 {
		return nil
	}
	n := int(binary.BigEndian.Uint16(udp[4:]))
	if n < udpLen || n > len(udp) {
		return nil
	}
	return udp[udpLen:n]
}
