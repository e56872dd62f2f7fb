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
