package frame

// Sizes and values of the headers around a DHCP message.
const (
	ServerPort = 67 // RFC 2131 section 4.1
	ClientPort = 68

	ethernetLen = 14
	tagLen      = 4
	ipLen       = 20 // without options
	udpLen      = 8

	typeIPv4  = 0x0800
	TPIDTag   = 0x8100 // IEEE 802.1Q, customer tag
	TPIDOuter = 0x88a8 // IEEE 802.1ad, service tag

	protoUDP     = 17
	moreFragment = 0x2000
	fragmentMask = 0x1fff // offset, in units of 8 bytes
	replyTTL     = 128    // longer than any relayed path
)

// Broadcast is the Ethernet broadcast address.
var Broadcast = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// BroadcastIP is the limited broadcast address.
var BroadcastIP = IP{255, 255, 255, 255}

// IsTag reports whether an ethertype announces a VLAN tag.
func IsTag(ethertype uint16) bool { return ethertype == TPIDTag || ethertype == TPIDOuter }

func get16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

func put16(b []byte, v uint16) { b[0], b[1] = byte(v>>8), byte(v) }
