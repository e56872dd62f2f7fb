// Package frame moves DHCP messages in and out of Ethernet frames: what a
// query carried around its message, where a reply goes, and the headers of
// both. It decides nothing. frame (L2), packet (IP), message (DHCP).
package frame

// Headroom is the space before the message in a reply buffer: Ethernet, two
// VLAN tags, IPv4 without options, UDP (50 bytes), rounded up.
const Headroom = 64

// MessageMax is the longest DHCP message a reply buffer holds, in bytes: what
// fits an IPv4 packet of 1500 bytes.
const MessageMax = 1472

// Tag is a VLAN tag as on the wire. TPID 0 means no tag.
type Tag struct{ TPID, TCI uint16 }

// IP is an IPv4 address in wire order; the zero value is 0.0.0.0. netip.Addr
// is the type of everything that is not per packet.
type IP [4]byte

// Link is what surrounded a query. Of a query from a UDP socket the MAC
// addresses and tags are zero.
type Link struct {
	SrcMAC, DstMAC   [6]byte
	Tags             [2]Tag // outer first
	Src, Dst         IP
	SrcPort, DstPort uint16
}

// Query is one DHCP message as a port received it.
type Query struct {
	Message []byte // from op to the end of the UDP payload; valid until Port.Done
	Link    Link
	IfIndex int    // interface it came in by
	Hint    Hint   // what the XDP program found; zero without AF_XDP
	Token   uint64 // the port's own
}

// Hint is what the XDP program already knows about a query. User space may use
// it to skip work and must not trust it with memory safety.
type Hint struct {
	Valid        bool
	Type         uint8 // option 53
	Bucket       uint8 // RFC 3074 hash
	Relationship uint8
}

// Destination says where a reply goes (RFC 2131 section 4.1). The port fills
// in what it knows better (source MAC).
type Destination struct {
	IfIndex          int
	DstMAC           [6]byte
	Tags             [2]Tag // mirrored from the query
	Src, Dst         IP
	SrcPort, DstPort uint16
	Resolve          bool // DstMAC unknown: the kernel's neighbour table decides
}

// Reply is one message on its way out. Buf comes from the port; the message
// lies at Buf[Headroom:Headroom+Len].
type Reply struct {
	Buf   []byte // Headroom+MessageMax bytes
	Len   int    // length of the message
	To    Destination
	Token uint64 // the port's own
}

// Message returns the space for the message.
func (r *Reply) Message() []byte { return r.Buf[Headroom : Headroom+MessageMax] }
