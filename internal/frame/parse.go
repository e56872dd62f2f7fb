package frame

// Meta is what a port knows about a frame besides its bytes.
type Meta struct {
	// Tag was taken out of the frame by the driver (PACKET_AUXDATA); TPID 0: none.
	Tag Tag
	// Trusted: the UDP checksum is not to be looked at. The driver has checked
	// it, or the frame comes from this host and it is not filled in yet
	// (TP_STATUS_CSUMNOTREADY): frames of a veth carry only the sum of the
	// pseudo header there.
	Trusted bool
	// Partial: nobody tells whether the UDP checksum is filled in (AF_XDP), so
	// that sum alone is as good as the right checksum.
	Partial bool
}

// Parse reads a frame into q's Message and Link and leaves the rest of q
// alone. The message aliases b. If it returns a fault, q's content means
// nothing. It allocates nothing and reads no byte outside b.
//
// The IPv4 header checksum is always verified: no driver leaves it unfilled.
// Bytes after the end of the IP packet are Ethernet padding and ignored.
func Parse(b []byte, m Meta, q *Query) Fault {
	l := &q.Link
	if len(b) < ethernetLen {
		return FaultTruncated
	}
	copy(l.DstMAC[:], b)
	copy(l.SrcMAC[:], b[6:])
	packet, f := untag(b, m.Tag, l)
	if f != Whole {
		return f
	}
	packet, f = checkIP(packet)
	if f != Whole {
		return f
	}
	copy(l.Src[:], packet[12:])
	copy(l.Dst[:], packet[16:])
	return parseUDP(packet, m, q)
}

// untag steps over up to two VLAN tags, the stripped one included, and returns
// what follows the Ethernet header.
func untag(b []byte, stripped Tag, l *Link) ([]byte, Fault) {
	l.Tags = [2]Tag{}
	n := 0
	if stripped.TPID != 0 {
		l.Tags[0] = stripped
		n = 1
	}
	at := ethernetLen - 2
	kind := get16(b[at:])
	for ; IsTag(kind); n++ {
		if n == len(l.Tags) {
			return nil, FaultTooManyTags
		}
		if len(b) < at+tagLen+2 {
			return nil, FaultTruncated
		}
		l.Tags[n] = Tag{TPID: kind, TCI: get16(b[at+2:])}
		at += tagLen
		kind = get16(b[at:])
	}
	if kind != typeIPv4 {
		return nil, FaultNotIPv4
	}
	return b[at+2:], Whole
}

// checkIP verifies an IPv4 header (RFC 791 section 3.1) and returns the packet
// cut to its total length, padding removed.
func checkIP(b []byte) ([]byte, Fault) {
	if len(b) < ipLen {
		return nil, FaultTruncated
	}
	if b[0]>>4 != 4 {
		return nil, FaultNotIPv4
	}
	header, total := int(b[0]&0x0f)*4, int(get16(b[2:]))
	if header < ipLen || total < header {
		return nil, FaultHeaderLength
	}
	if len(b) < total {
		return nil, FaultTruncated
	}
	if fold(sum(b[:header], 0)) != 0xffff {
		return nil, FaultIPChecksum
	}
	if get16(b[6:])&(moreFragment|fragmentMask) != 0 {
		return nil, FaultFragment
	}
	if b[9] != protoUDP {
		return nil, FaultNotUDP
	}
	return b[:total], Whole
}

// parseUDP reads the UDP header (RFC 768) of a checked packet. A UDP length
// shorter than the packet is legal and cuts the message.
func parseUDP(packet []byte, m Meta, q *Query) Fault {
	b := packet[int(packet[0]&0x0f)*4:]
	if len(b) < udpLen {
		return FaultTruncated
	}
	q.Link.SrcPort, q.Link.DstPort = get16(b), get16(b[2:])
	if q.Link.DstPort != ServerPort {
		return FaultPort
	}
	length := int(get16(b[4:]))
	if length < udpLen {
		return FaultHeaderLength
	}
	if length > len(b) {
		return FaultTruncated
	}
	b = b[:length]
	if !m.Trusted && !checked(b, pseudo(packet[12:20], length), m.Partial) {
		return FaultUDPChecksum
	}
	q.Message = b[udpLen:]
	return Whole
}

// checked tells whether a datagram has a right checksum, none, or, where that may
// be, only the sum of the pseudo header in its place.
func checked(b []byte, pseudo uint64, partial bool) bool {
	check := get16(b[6:])
	return check == 0 || partial && check == fold(pseudo) || fold(sum(b, pseudo)) == 0xffff
}
