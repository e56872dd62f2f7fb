package leases

import (
	"bytes"
	"encoding/binary"
)

// A block of the arena holds, after a header, the hardware address and client
// id (if they do not fit the slot), the hostname and the user context.
const (
	extHeader  = 6 // hostname length, hardware address length, client id length, spare, context length (2)
	hostMax    = 255
	hwMax      = 20 // HTYPE_FC and others; chaddr itself has 16
	idMax      = 255
	contextMax = 32 << 10
)

// hw returns the hardware address; it aliases the table.
func (n *network) hw(s *slot) []byte {
	if s.flags&flagLong != 0 {
		x := n.ext.get(s.ext)
		at := extHeader + int(x[0])
		return x[at : at+int(s.hlen)]
	}
	return s.inline[:s.hlen]
}

// id returns the client id; it aliases the table.
func (n *network) id(s *slot) []byte {
	if s.flags&flagLong != 0 {
		x := n.ext.get(s.ext)
		at := extHeader + int(x[0]) + int(s.hlen)
		return x[at : at+int(s.idLen)]
	}
	return s.inline[s.hlen : int(s.hlen)+int(s.idLen)]
}

// extra returns hostname and user context; they alias the table.
func (n *network) extra(s *slot) (host, context []byte) {
	if s.ext == 0 {
		return nil, nil
	}
	x := n.ext.get(s.ext)
	host = x[extHeader : extHeader+int(x[0])]
	at := extHeader + int(x[0]) + int(x[1]) + int(x[2])
	return host, x[at : at+int(binary.BigEndian.Uint16(x[4:]))]
}

// setData replaces all variable data of a slot. The arguments must not alias
// the slot's own data. The index is the caller's business.
func (n *network) setData(s *slot, hw, id, host, context []byte) {
	if s.ext != 0 {
		n.ext.free(s.ext)
		s.ext = 0
	}
	s.flags &^= flagLong
	s.hlen, s.idLen = uint8(len(hw)), uint8(len(id))
	long := len(hw)+len(id) > inlineMax
	if !long {
		copy(s.inline[copy(s.inline[:], hw):], id)
		hw, id = nil, nil
	}
	if !long && len(host) == 0 && len(context) == 0 {
		return
	}
	ref, x := n.ext.alloc(extHeader + len(host) + len(hw) + len(id) + len(context))
	s.ext = ref
	if long {
		s.flags |= flagLong
	}
	x[0], x[1], x[2], x[3] = uint8(len(host)), uint8(len(hw)), uint8(len(id)), 0
	binary.BigEndian.PutUint16(x[4:], uint16(len(context)))
	at := extHeader
	for _, part := range [...][]byte{host, hw, id, context} {
		at += copy(x[at:], part)
	}
}

// isClient tells whether the slot's lease is the client's own, in Kea's sense
// (Lease4::belongsToClient): equal client ids if both have one, else equal
// hardware type and address.
func (n *network) isClient(s *slot, who *Client) bool {
	if s.idLen != 0 && len(who.ID) != 0 {
		return bytes.Equal(n.id(s), who.ID)
	}
	return s.hlen != 0 && s.htype == who.HType && bytes.Equal(n.hw(s), who.hw())
}

// sameClient tells whether the slot names exactly this client.
func (n *network) sameClient(s *slot, who *Client) bool {
	return s.htype == who.HType && bytes.Equal(n.hw(s), who.hw()) && bytes.Equal(n.id(s), who.ID)
}

// hw is the part of chaddr in use.
func (c *Client) hw() []byte { return c.HW[:min(int(c.HLen), len(c.HW))] }

// NewClient makes a Client; hardware addresses beyond 16 bytes (chaddr) are cut.
func NewClient(htype uint8, hw, id []byte) Client {
	c := Client{HType: htype, ID: id}
	c.HLen = uint8(copy(c.HW[:], hw))
	return c
}
