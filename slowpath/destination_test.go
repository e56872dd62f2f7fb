package slowpath

import (
	"testing"

	"needletail/internal/frame"
)

// RFC 2131 section 4.1 as a table.
func TestRouteOf(t *testing.T) {
	relay, mine := frame.IP{10, 0, 0, 1}, frame.IP{192, 0, 2, 10}
	check := func(what string, a addressing, want route) {
		t.Helper()
		if got := routeOf(a); got != want {
			t.Errorf("%s: got %d, want %d", what, got, want)
		}
	}
	// "If the 'giaddr' field in a DHCP message from a client is non-zero, the
	// server sends any return messages to the 'DHCP server' port on the BOOTP
	// relay agent whose address appears in 'giaddr'."
	check("a relay hears an OFFER", addressing{reply: typeOffer, giaddr: relay, direct: true}, viaRelay)
	check("a relay hears an ACK for a client with an address", addressing{reply: typeAck, giaddr: relay, ciaddr: mine, direct: true}, viaRelay)
	check("a relay hears even a NAK", addressing{reply: typeNak, giaddr: relay, direct: true}, viaRelay)
	// "If the 'giaddr' field is zero and the 'ciaddr' field is nonzero, then the
	// server unicasts DHCPOFFER and DHCPACK messages to the address in 'ciaddr'."
	check("renewing", addressing{reply: typeAck, ciaddr: mine, direct: true}, viaCiaddr)
	check("renewing with the broadcast bit", addressing{reply: typeAck, ciaddr: mine, broadcast: true, direct: true}, viaCiaddr)
	// "If 'giaddr' is zero and 'ciaddr' is zero, and the broadcast bit is set,
	// then the server broadcasts DHCPOFFER and DHCPACK messages to 0xffffffff."
	check("the client asks for broadcast", addressing{reply: typeOffer, broadcast: true, direct: true}, viaBroadcast)
	// "If the broadcast bit is not set and 'giaddr' is zero and 'ciaddr' is zero,
	// then the server unicasts DHCPOFFER and DHCPACK messages to the client's
	// hardware address and 'yiaddr' address."
	check("into a frame", addressing{reply: typeOffer, direct: true}, viaFrame)
	check("no frame can be addressed", addressing{reply: typeOffer}, viaBroadcast)
	// "In all cases, when 'giaddr' is zero, the server broadcasts any DHCPNAK
	// messages to 0xffffffff."
	check("a NAK is broadcast", addressing{reply: typeNak, direct: true}, viaBroadcast)
	check("a NAK is broadcast even to ciaddr", addressing{reply: typeNak, ciaddr: mine, direct: true}, viaBroadcast)
	// Section 4.3.5: "The server responds to a DHCPINFORM message by sending a
	// DHCPACK message directly to the address given in the 'ciaddr' field".
	check("INFORM", addressing{reply: typeAck, inform: true, ciaddr: mine}, viaCiaddr)
	check("INFORM passes by the relay", addressing{reply: typeAck, inform: true, ciaddr: mine, giaddr: relay}, viaCiaddr)
	check("INFORM without ciaddr, relayed", addressing{reply: typeAck, inform: true, giaddr: relay}, viaRelay)
	check("INFORM without ciaddr", addressing{reply: typeAck, inform: true}, viaSource)
}

// A reply leaves as its query came: by the same interface, behind the same tags,
// and to the neighbour that sent it, be it the relay itself or a router on the way;
// a client's own frame is addressed by its hardware address.
func TestRepliesLeaveAsQueriesCame(t *testing.T) {
	z := newFuzzed(t)
	neighbour := [6]byte{2, 0, 0, 0, 0, 0xfe}
	tags := [2]frame.Tag{{TPID: frame.TPIDOuter, TCI: 7}, {TPID: frame.TPIDTag, TCI: 0x6064}}
	for name, c := range map[string]struct {
		giaddr, ciaddr frame.IP
		flags          byte
		to             [6]byte
		dst            frame.IP
		port           uint16
	}{
		"relay":     {giaddr: frame.IP{192, 0, 2, 2}, to: neighbour, dst: frame.IP{192, 0, 2, 2}, port: portServer},
		"frame":     {to: [6]byte{2, 0, 0, 0, 0, 1}, dst: frame.IP{192, 0, 2, 10}, port: portClient},
		"broadcast": {flags: 0x80, to: frame.Broadcast, dst: allBroadcast, port: portClient},
		"renewal":   {ciaddr: frame.IP{192, 0, 2, 10}, to: neighbour, dst: frame.IP{192, 0, 2, 10}, port: portClient},
	} {
		m := rawQuery(53, 1, typeDiscover, optEnd)
		if c.ciaddr != anyAddress {
			m = rawQuery(53, 1, typeInform, optEnd)
		}
		copy(m[offCiaddr:], c.ciaddr[:])
		copy(m[offGiaddr:], c.giaddr[:])
		copy(m[offChaddr:], []byte{2, 0, 0, 0, 0, 1})
		m[offFlags] = c.flags
		q := frame.Query{Message: m, IfIndex: 1, Link: frame.Link{SrcMAC: neighbour, Dst: allBroadcast, SrcPort: portClient, DstPort: portServer, Tags: tags}}
		if o := z.worker.Handle(&q, &z.reply, &z.batch, 0, z.now); !o.Reply {
			t.Errorf("%s: no reply: %v", name, o.Silence)
			continue
		}
		to := z.reply.To
		if to.IfIndex != 1 || to.Tags != tags || to.DstMAC != c.to || to.Dst != c.dst || to.DstPort != c.port || to.Resolve {
			t.Errorf("%s: the reply leaves to %+v", name, to)
		}
	}
}
