package slowpath

import "needletail/internal/frame"

// route is how a reply reaches its client (RFC 2131 section 4.1).
type route uint8

const (
	viaRelay     route = iota // to giaddr, port 67 or what RFC 8357 says
	viaBroadcast              // to 255.255.255.255
	viaCiaddr                 // to the address the client has
	viaFrame                  // to yiaddr in a frame to chaddr: nobody answers ARP for it yet
	viaSource                 // to where the query came from
)

// addressing is what section 4.1 looks at.
type addressing struct {
	reply     uint8 // message type of the reply
	inform    bool  // it answers a DHCPINFORM
	giaddr    frame.IP
	ciaddr    frame.IP
	broadcast bool // the flag of the query
	direct    bool // a frame can be addressed to chaddr
}

// routeOf decides by RFC 2131 section 4.1, and section 4.3.5 for DHCPINFORM.
// A DHCPINFORM without ciaddr goes back to its source, as Kea does.
func routeOf(a addressing) route {
	switch {
	case a.inform && a.ciaddr != anyAddress:
		return viaCiaddr
	case a.giaddr != anyAddress:
		return viaRelay
	case a.inform:
		return viaSource
	case a.reply == typeNak:
		return viaBroadcast
	case a.ciaddr != anyAddress:
		return viaCiaddr
	case a.broadcast || !a.direct:
		return viaBroadcast
	}
	return viaFrame
}

// direct tells whether a frame can carry a reply to the client's hardware
// address. UDP sockets cannot, and InfiniBand addresses do not fit (RFC 4390).
func direct(m *message, udp bool) bool {
	return !udp && m.raw[offHType] == htypeEthernet && m.raw[offHLen] == 6
}

// address fills in where the reply to q goes. src is our address on the
// interface; yiaddr is the client's new one.
func address(to *frame.Destination, via route, q *frame.Query, m *message, src, yiaddr frame.IP) {
	*to = frame.Destination{
		IfIndex: q.IfIndex, DstMAC: q.Link.SrcMAC, Tags: q.Link.Tags,
		Src: src, SrcPort: portServer, DstPort: portClient,
	}
	switch via {
	case viaRelay:
		to.Dst, to.DstPort = m.giaddr(), portServer
		if m.agent.port {
			to.DstPort = q.Link.SrcPort
		}
	case viaBroadcast:
		to.Dst = allBroadcast
		to.DstMAC = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	case viaCiaddr:
		to.Dst = m.ciaddr()
	case viaFrame:
		to.Dst = yiaddr
		copy(to.DstMAC[:], m.hw())
	case viaSource:
		to.Dst = q.Link.Src
	}
	to.Resolve = to.DstMAC == [6]byte{}
}

// followRouting makes the kernel choose interface and source of a reply to a
// relay (outbound-interface use-routing).
func followRouting(to *frame.Destination) {
	to.IfIndex, to.Src, to.DstMAC, to.Resolve = 0, anyAddress, [6]byte{}, true
}
