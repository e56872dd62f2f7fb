package transcript

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// verbs are the queries: their message type and whether they are broadcast.
var verbs = map[string]struct {
	kind      byte
	broadcast bool
}{
	"discover": {1, true}, "request": {3, true}, "reboot": {3, true}, "renew": {3, false},
	"rebind": {3, true}, "decline": {4, true}, "release": {7, false}, "inform": {8, false},
	"bootp": {0, true}, "message": {0, true},
}

var allBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

const headerLen, cookie = 236, 0x63825363

// builder makes a message of one step.
type builder struct {
	step    Step
	header  [headerLen]byte
	options []byte
	err     error
}

// build makes the query of a step. xid and server are the defaults.
func build(s Step, xid uint32, server netip.Addr, offered netip.Addr) (Query, error) {
	b := builder{step: s}
	b.head(xid)
	b.body(offered)
	q := b.link(server)
	message := binary.BigEndian.AppendUint32(b.header[:], cookie)
	q.Message = append(append(message, b.options...), 255)
	if raw, ok := s.Get("raw"); ok {
		q.Message = append(message[:headerLen+4:headerLen+4], b.hex("raw", raw)...)
	}
	if err := b.unknown(); err != nil && b.err == nil {
		b.err = err
	}
	if b.err != nil {
		return q, fmt.Errorf("line %d: %s: %w", s.Line, s.Verb, b.err)
	}
	return q, nil
}

func (b *builder) head(xid uint32) {
	h := &b.header
	h[0], h[1], h[2] = byte(b.number("op", 1)), byte(b.number("htype", 1)), 0
	if v, ok := b.step.Get("mac"); ok {
		mac := b.hex("mac", strings.ReplaceAll(v, ":", ""))
		h[2] = byte(copy(h[28:44], mac))
	}
	h[2] = byte(b.number("hlen", uint64(h[2])))
	h[3] = byte(b.number("hops", 0))
	binary.BigEndian.PutUint32(h[4:], uint32(b.number("xid", uint64(xid))))
	binary.BigEndian.PutUint16(h[8:], uint16(b.number("secs", 0)))
	if b.step.Has("broadcast") {
		h[10] = 0x80
	}
	copy(h[12:16], b.addr("ciaddr"))
	copy(h[24:28], b.addr("giaddr"))
	copy(h[108:236], b.hexArg("file"))
	copy(h[44:108], b.hexArg("sname"))
}

func (b *builder) body(offered netip.Addr) {
	kind := byte(b.number("type", uint64(verbs[b.step.Verb].kind)))
	if kind != 0 {
		b.option(53, []byte{kind})
	}
	if a := b.addr("addr"); a != nil {
		b.option(50, a)
	}
	if server, ok := b.step.Get("server"); ok && server != "none" {
		b.option(54, b.addr("server"))
	} else if !ok && offered.IsValid() && (b.step.Verb == "request" || kind == 4 || kind == 7) {
		b.option(54, offered.AsSlice())
	}
	if v, ok := b.step.Get("lease"); ok {
		d, err := time.ParseDuration(v)
		b.note(err)
		b.option(51, binary.BigEndian.AppendUint32(nil, uint32(d/time.Second)))
	}
	if v, ok := b.step.Get("prl"); ok {
		b.option(55, b.codes(v))
	}
	if _, ok := b.step.Get("mms"); ok {
		b.option(57, binary.BigEndian.AppendUint16(nil, uint16(b.number("mms", 0))))
	}
	b.texts()
	if v := b.hexArg("cid"); v != nil {
		b.option(61, v)
	}
	if a := b.addr("link"); a != nil {
		b.option(118, a)
	}
	if v := b.hexArg("agent"); v != nil {
		b.option(82, v)
	}
}

func (b *builder) texts() {
	if v, ok := b.step.Get("host"); ok {
		b.option(12, []byte(v))
	}
	if v, ok := b.step.Get("vendor"); ok {
		b.option(60, []byte(v))
	}
	for _, a := range b.step.Args {
		n, ok := strings.CutPrefix(a.Name, "opt.")
		if !ok {
			continue
		}
		code, err := strconv.ParseUint(n, 10, 8)
		b.note(err)
		b.option(byte(code), b.value(a.Value))
	}
}

// value reads an option's value: "text", an address, or hex.
func (b *builder) value(v string) []byte {
	if text, ok := strings.CutPrefix(v, `"`); ok {
		return []byte(strings.TrimSuffix(text, `"`))
	}
	if a, err := netip.ParseAddr(v); err == nil {
		return a.AsSlice()
	}
	return b.hex("option", v)
}

// link fills in where the packet came from and goes to: a relay's and a
// renewing client's go to the server, the others are broadcast.
func (b *builder) link(server netip.Addr) Query {
	q := Query{Interface: "eth0", SrcMAC: net.HardwareAddr(b.header[28:34])}
	src, dst := netip.AddrPortFrom(netip.IPv4Unspecified(), 68), allBroadcast
	if !verbs[b.step.Verb].broadcast {
		dst = server
	}
	if c := netip.AddrFrom4([4]byte(b.header[12:16])); !c.IsUnspecified() {
		src = netip.AddrPortFrom(c, 68)
	}
	if g := netip.AddrFrom4([4]byte(b.header[24:28])); !g.IsUnspecified() {
		src, dst = netip.AddrPortFrom(g, 67), server
		q.SrcMAC = net.HardwareAddr{2, 0, 0, 0, 0, 0xfe}
	}
	if v, ok := b.step.Get("src"); ok {
		if p, err := netip.ParseAddrPort(v); err == nil {
			src = p
		} else {
			a, err := netip.ParseAddr(v)
			b.note(err)
			src = netip.AddrPortFrom(a, src.Port())
		}
	}
	if v, ok := b.step.Get("dst"); ok {
		a, err := netip.ParseAddr(v)
		b.note(err)
		dst = a
	}
	if v, ok := b.step.Get("if"); ok {
		q.Interface = v
	}
	q.Src, q.Dst = src, netip.AddrPortFrom(dst, 67)
	return q
}
