package load

import "encoding/binary"

// DHCP message types (RFC 2132 section 9.6).
const (
	discover = 1
	offer    = 2
	request  = 3
	decline  = 4
	ack      = 5
	nak      = 6
	release  = 7
	inform   = 8
)

// Lengths and offsets of the fixed fields (RFC 2131 section 2).
const (
	fixedLen  = 236
	cookieLen = 4
	offXid    = 4
	offSecs   = 8
	offFlags  = 10
	offCiaddr = 12
	offYiaddr = 16
	offGiaddr = 24
	offChaddr = 28
)

const magicCookie = 0x63825363

// A message collects what one query carries. Zero fields are left out.
type message struct {
	kind      uint8
	xid       uint32
	secs      uint16
	ciaddr    uint32
	giaddr    uint32
	mac       [6]byte
	broadcast bool   // flag: RFC 2131 section 4.1
	clientID  bool   // option 61: type 1 and the hardware address
	requested uint32 // option 50
	server    uint32 // option 54
	circuit   uint32 // option 82, sub-option 1, when giaddr is set
}

// put writes the message to b and returns its length. b holds at least 400
// bytes: the longest message is 236 + 4 + 3 + 9 + 6 + 6 + 6 + 12 + 1 bytes.
func (m *message) put(b []byte) int {
	clear(b[:fixedLen])
	b[0], b[1], b[2] = 1, 1, 6 // BOOTREQUEST, Ethernet
	if m.giaddr != 0 {
		b[3] = 1 // hops
	}
	binary.BigEndian.PutUint32(b[offXid:], m.xid)
	binary.BigEndian.PutUint16(b[offSecs:], m.secs)
	if m.broadcast {
		b[offFlags] = 0x80
	}
	binary.BigEndian.PutUint32(b[offCiaddr:], m.ciaddr)
	binary.BigEndian.PutUint32(b[offGiaddr:], m.giaddr)
	copy(b[offChaddr:], m.mac[:])
	binary.BigEndian.PutUint32(b[fixedLen:], magicCookie)
	return m.putOptions(b, fixedLen+cookieLen)
}

func (m *message) putOptions(b []byte, n int) int {
	n += copy(b[n:], []byte{53, 1, m.kind})
	if m.clientID {
		n += copy(b[n:], []byte{61, 7, 1})
		n += copy(b[n:], m.mac[:])
	}
	n = putAddr(b, n, 50, m.requested)
	n = putAddr(b, n, 54, m.server)
	if m.kind != release && m.kind != decline {
		n += copy(b[n:], []byte{55, 4, 1, 3, 6, 51})
	}
	if m.giaddr != 0 {
		c := circuit(m.circuit)
		n += copy(b[n:], []byte{82, uint8(len(c))})
		n += copy(b[n:], c[:])
	}
	b[n] = 255
	return n + 1
}

// circuit is what a relay says of a client: sub-option 1 of option 82.
func circuit(client uint32) (c [6]byte) {
	c[0], c[1] = 1, 4
	binary.BigEndian.PutUint32(c[2:], client)
	return c
}

func putAddr(b []byte, n int, code uint8, addr uint32) int {
	if addr == 0 {
		return n
	}
	b[n], b[n+1] = code, 4
	binary.BigEndian.PutUint32(b[n+2:], addr)
	return n + 6
}

// An answer is what the generator reads of a reply.
type answer struct {
	kind   uint8
	xid    uint32
	yiaddr uint32
	giaddr uint32
	server uint32
	lease  uint32 // seconds
	mac    [6]byte
	client []byte // option 61, in the frame; nil: none
	agent  []byte // option 82, in the frame; nil: none
}

// parse reads a reply; false if it is none.
func (a *answer) parse(b []byte) bool {
	if len(b) < fixedLen+cookieLen || b[0] != 2 || binary.BigEndian.Uint32(b[fixedLen:]) != magicCookie {
		return false
	}
	*a = answer{
		xid:    binary.BigEndian.Uint32(b[offXid:]),
		yiaddr: binary.BigEndian.Uint32(b[offYiaddr:]),
		giaddr: binary.BigEndian.Uint32(b[offGiaddr:]),
		mac:    [6]byte(b[offChaddr:]),
	}
	return a.parseOptions(b[fixedLen+cookieLen:])
}

func (a *answer) parseOptions(b []byte) bool {
	for len(b) > 0 && b[0] != 255 {
		if b[0] == 0 {
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return false
		}
		a.option(b[0], b[2:2+int(b[1])])
		b = b[2+int(b[1]):]
	}
	return a.kind != 0
}

func (a *answer) option(code uint8, data []byte) {
	switch {
	case code == 53 && len(data) == 1:
		a.kind = data[0]
	case code == 54 && len(data) == 4:
		a.server = binary.BigEndian.Uint32(data)
	case code == 51 && len(data) == 4:
		a.lease = binary.BigEndian.Uint32(data)
	case code == 61 && len(data) > 1:
		a.client = data
	case code == 82:
		a.agent = data
	}
}
