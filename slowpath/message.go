package slowpath

import (
	"encoding/binary"

	"needletail/internal/frame"
)

// message is one parsed query. Options lie in a table of offsets that one walk
// fills; nothing is copied but options that came in pieces. It aliases the
// query's bytes and is reused for the next query.
type message struct {
	raw    []byte
	typ    uint8
	seen   bits256   // codes present
	pieces bits256   // codes that came more than once: their bytes are in joined
	at     [256]span // meaningful where seen
	joined []byte    // RFC 3396: pieces of one option, put together
	areas  [3]span   // where options lie: the options field, then file, then sname
	agent  agentInfo // what option 82 says
}

// span is a part of message.raw or, of an option in pieces, of message.joined.
type span struct{ off, len uint16 }

// bits256 is a set of option codes.
type bits256 [4]uint64

func (b *bits256) has(c uint8) bool { return b[c>>6]>>(c&63)&1 != 0 }
func (b *bits256) add(c uint8)      { b[c>>6] |= 1 << (c & 63) }

// parse reads raw. It returns Answered or why it cannot be a query for a DHCP
// server; the message is then not to be used.
func (m *message) parse(raw []byte) Silence {
	m.raw, m.typ = raw, typeNone
	m.seen, m.pieces = bits256{}, bits256{}
	m.agent = agentInfo{}
	switch {
	case len(raw) < offOptions || len(raw) > 0xffff:
		return SilenceTooShort
	case raw[offOp] != bootRequest:
		return SilenceNotRequest
	case raw[offHLen] > chaddrLen:
		return SilenceBadHardware
	case binary.BigEndian.Uint32(raw[offCookie:]) != cookie:
		return SilenceNoCookie
	}
	if s := m.walkAll(); s != Answered {
		return s
	}
	if m.pieces != (bits256{}) {
		m.join()
	}
	if s := m.checkLengths(); s != Answered {
		return s
	}
	if v := m.option(optAgent); v != nil {
		m.agent = parseAgent(v)
	}
	return m.kind()
}

// kind sets typ and sorts out what no DHCP server answers.
func (m *message) kind() Silence {
	v := m.option(optMessageType)
	if v == nil {
		return SilenceBootp
	}
	m.typ = v[0]
	switch m.typ {
	case typeDiscover, typeRequest, typeDecline, typeRelease, typeInform:
		return Answered
	case typeOffer, typeAck, typeNak:
		return SilenceServerMessage
	}
	return SilenceUnknownType
}

// option returns the data of an option, nil if absent (and empty but not nil
// for an option without data).
func (m *message) option(code uint8) []byte {
	if !m.seen.has(code) {
		return nil
	}
	s, from := m.at[code], m.raw
	if m.pieces.has(code) {
		from = m.joined
	}
	return from[s.off : s.off+s.len : s.off+s.len]
}

func (m *message) addr(off int) frame.IP { return frame.IP(m.raw[off : off+4]) }
func (m *message) ciaddr() frame.IP      { return m.addr(offCiaddr) }
func (m *message) giaddr() frame.IP      { return m.addr(offGiaddr) }

// addrOption returns an option that holds one address, zero if absent.
func (m *message) addrOption(code uint8) frame.IP {
	if v := m.option(code); v != nil {
		return frame.IP(v[:4])
	}
	return frame.IP{}
}

func (m *message) broadcast() bool { return m.raw[offFlags]&(flagBroadcast>>8) != 0 }
func (m *message) secs() uint16    { return binary.BigEndian.Uint16(m.raw[offSecs:]) }

// hw returns the hardware address, hlen bytes.
func (m *message) hw() []byte { return m.raw[offChaddr : offChaddr+int(m.raw[offHLen])] }

// clientID returns the data of option 61, nil if there is none.
func (m *message) clientID() []byte { return m.option(optClientID) }
