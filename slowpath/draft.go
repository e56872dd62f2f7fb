package slowpath

import (
	"encoding/binary"

	"needletail/internal/frame"
)

// draft is a reply being put together: whole encoded options in the order they
// shall appear. It belongs to a Worker and is reused.
type draft struct {
	parts []part
	agent []byte // option 82, always last (RFC 3046 section 2.2)
	sent  bits256
	arena []byte // options made for this reply; parts alias it
	head  head
	kind  uint8 // message type
	left  int   // options that the latest write left out
}

// part is one encoded option. One that the reply is wrong without is a must.
type part struct {
	bytes []byte
	must  bool
}

// head is the fixed part of a reply.
type head struct {
	ciaddr, yiaddr, siaddr, giaddr frame.IP
	hops                           uint8
	broadcast                      bool // set the flag whatever the query says
	sname, file                    string
}

// messageMin is the length replies are padded to: some clients drop shorter
// ones, which BOOTP never had (RFC 1542 section 2.1), in bytes.
const messageMin = 300

func (d *draft) reset() {
	d.parts, d.arena, d.agent = d.parts[:0], d.arena[:0], nil
	d.sent, d.left = bits256{}, 0
	d.head = head{}
}

// add appends an encoded option unless its code was sent already.
func (d *draft) add(code uint8, bytes []byte, must bool) {
	if bytes == nil || d.sent.has(code) {
		return
	}
	d.sent.add(code)
	d.parts = append(d.parts, part{bytes, must})
}

// put appends an option made for this reply.
func (d *draft) put(code uint8, data []byte, must bool) {
	from := len(d.arena)
	d.arena = appendOption(d.arena, code, data)
	d.add(code, d.arena[from:], must)
}

func (d *draft) put32(code uint8, v uint32, must bool) {
	from := len(d.arena)
	d.arena = appendOption32(d.arena, code, v)
	d.add(code, d.arena[from:], must)
}

func (d *draft) put8(code, v uint8) {
	from := len(d.arena)
	d.arena = append(d.arena, code, 1, v)
	d.add(code, d.arena[from:], true)
}

// echo copies an option of the query, all bytes, in pieces if it is long.
func (d *draft) echo(m *message, code uint8) {
	if v := m.option(code); v != nil {
		d.put(code, v, true)
	}
}

// write lays the reply to m out in dst, as long as messageLimit allows, and returns
// its length. It uses file and sname for options if the options field is too
// small, and then leaves out options nobody must have, the last first. It
// returns 0 if not even the others fit.
func (d *draft) write(dst []byte, m *message) int {
	d.writeHead(dst, m)
	limit, hard := messageLimit(m)
	need := 1 + len(d.agent)
	for _, p := range d.parts {
		need += len(p.bytes)
	}
	var n int
	if need <= limit-offOptions {
		n = d.writeAll(dst)
	} else if n = d.writeOverloaded(dst, limit, limit); n == 0 {
		if n = d.writeOverloaded(dst, hard, limit); n == 0 {
			return 0
		}
	}
	for ; n < messageMin; n++ {
		dst[n] = optPad
	}
	return n
}

func (d *draft) writeAll(dst []byte) int {
	n := offOptions
	for _, p := range d.parts {
		n += copy(dst[n:], p.bytes)
	}
	n += copy(dst[n:], d.agent)
	dst[n] = optEnd
	return n + 1
}

// writeHead writes the fixed fields (RFC 2131 section 4.3.1, table 3).
func (d *draft) writeHead(dst []byte, m *message) {
	h := &d.head
	copy(dst[:offSecs], m.raw[:offSecs]) // htype, hlen, hops, xid
	dst[offOp], dst[offHops] = bootReply, h.hops
	dst[offSecs], dst[offSecs+1] = 0, 0
	copy(dst[offFlags:offCiaddr], m.raw[offFlags:offCiaddr])
	if h.broadcast {
		dst[offFlags] |= flagBroadcast >> 8
	}
	copy(dst[offCiaddr:], h.ciaddr[:])
	copy(dst[offYiaddr:], h.yiaddr[:])
	copy(dst[offSiaddr:], h.siaddr[:])
	copy(dst[offGiaddr:], h.giaddr[:])
	copy(dst[offChaddr:offSname], m.raw[offChaddr:offSname])
	clear(dst[offSname:offCookie])
	copy(dst[offSname:offFile-1], h.sname)
	copy(dst[offFile:offCookie-1], h.file)
	binary.BigEndian.PutUint32(dst[offCookie:], cookie)
}
