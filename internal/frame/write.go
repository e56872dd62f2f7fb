package frame

// Write puts the headers that r.To asks for in front of r's message and returns
// the complete frame, which lies in r.Buf. src is the sender's MAC address. All
// checksums are filled in, so the frame needs no offload. It allocates nothing
// and cannot fail: r.Len must be at most MessageMax, and headers of any
// destination fit the headroom.
func Write(r *Reply, src [6]byte) []byte {
	to := &r.To
	udp := r.Buf[Headroom-udpLen : Headroom+r.Len]
	ip := r.Buf[Headroom-udpLen-ipLen : Headroom-udpLen]
	copy(ip[12:], to.Src[:])
	copy(ip[16:], to.Dst[:])
	id := writeUDP(udp, ip[12:20], to)
	writeIP(ip, ipLen+len(udp), id)

	at := Headroom - udpLen - ipLen - 2
	put16(r.Buf[at:], typeIPv4)
	for n := len(to.Tags) - 1; n >= 0; n-- {
		if to.Tags[n].TPID == 0 {
			continue
		}
		at -= tagLen
		put16(r.Buf[at:], to.Tags[n].TPID)
		put16(r.Buf[at+2:], to.Tags[n].TCI)
	}
	at -= 12
	copy(r.Buf[at:], to.DstMAC[:])
	copy(r.Buf[at+6:], src[:])
	return r.Buf[at : Headroom+r.Len]
}

// writeUDP fills the UDP header at the start of b and returns the checksum.
func writeUDP(b, addresses []byte, to *Destination) uint16 {
	put16(b, to.SrcPort)
	put16(b[2:], to.DstPort)
	put16(b[4:], uint16(len(b)))
	put16(b[6:], 0)
	check := ^fold(sum(b, pseudo(addresses, len(b))))
	if check == 0 {
		check = 0xffff // RFC 768: zero would mean that there is none
	}
	put16(b[6:], check)
	return check
}

// writeIP fills an IPv4 header whose addresses are in place. Don't Fragment is
// not set: nobody behind a raw frame could act on the ICMP message, so a router
// with a smaller MTU must be free to fragment. For that the identification
// should differ between packets (RFC 6864 section 4.3); the UDP checksum does,
// and needs no state.
func writeIP(b []byte, total int, id uint16) {
	b[0], b[1] = 0x45, 0
	put16(b[2:], uint16(total))
	put16(b[4:], id)
	put16(b[6:], 0)
	b[8], b[9] = replyTTL, protoUDP
	put16(b[10:], 0)
	put16(b[10:], ^fold(sum(b, 0)))
}
