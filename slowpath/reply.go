package slowpath

import (
	"encoding/binary"

	"needletail/internal/frame"
)

// messageLimit is the longest reply the client takes: option 57, which counts
// the IP and UDP headers and is at least 576 (RFC 2132 section 9.10). Without it
// a client must take 576 bytes (RFC 2131 section 2) and probably takes more: what
// must be there may go on to hard, what a buffer holds, if it has to.
func messageLimit(m *message) (limit, hard int) {
	const headers, least = 28, 576
	v := m.option(optMaxMessage)
	if v == nil {
		return least - headers, frame.MessageMax
	}
	limit = min(max(int(binary.BigEndian.Uint16(v)), least)-headers, frame.MessageMax)
	return limit, limit
}

// mustSpace is what the options every lease needs take at most: types 53, 54,
// 51, 58, 59, 1, overload and end.
const mustSpace = 3 + 6 + 6 + 6 + 6 + 6 + 3 + 1

// fits tells whether a reply that echoes what it must echo will fit, before
// anything is decided. A long client identifier may move to the file field.
func (w *Worker) fits() bool {
	m := &w.x.msg
	_, hard := messageLimit(m)
	room := hard - offOptions - mustSpace
	room -= echoed(m, optAgent) + echoed(m, optSubnetSelection)
	id := echoed(m, optClientID)
	return id <= room || room >= 0 && id < fileLen && (w.x.sub == nil || w.x.sub.file == "")
}

func echoed(m *message, code uint8) int {
	n := len(m.option(code))
	if n == 0 {
		return 0
	}
	return n + 2*((n+254)/255)
}

// reply writes an OFFER, ACK or NAK to the client. The address is in x.got,
// without one for an ACK to a DHCPINFORM.
func (w *Worker) reply(r *frame.Reply, kind uint8) Outcome {
	x, d := &w.x, &w.draft
	var c *chain
	if x.sub != nil && kind != typeNak {
		c = x.sub.chainOf(x.got.addr)
	}
	id := x.serverID(c)
	if id == anyAddress {
		return Outcome{Silence: SilenceNoServerIdentifier}
	}
	d.reset()
	d.kind = kind
	d.put8(optMessageType, kind)
	d.put32(optServerID, number(id), true)
	via := x.route(kind)
	x.fill(&d.head, kind, via)
	d.echo(&x.msg, optSubnetSelection) // RFC 3011; before a configured one
	if kind != typeNak {
		w.configure(c)
	}
	w.echo(via)
	r.Len = d.write(r.Message(), &x.msg)
	if r.Len == 0 {
		return Outcome{Silence: SilenceNoRoom}
	}
	if d.left > 0 {
		w.count.leftOut.Add(uint64(d.left))
	}
	address(&r.To, via, x.q, &x.msg, x.src, ipOf(x.got.addr))
	if via == viaRelay && x.plan.udp && x.plan.routed {
		followRouting(&r.To)
	}
	return Outcome{Reply: true}
}

func (x *exchange) route(kind uint8) route {
	m := &x.msg
	return routeOf(addressing{
		reply: kind, inform: m.typ == typeInform, giaddr: m.giaddr(), ciaddr: m.ciaddr(),
		broadcast: m.broadcast(), direct: direct(m, x.plan.udp),
	})
}

// fill sets the fixed fields (RFC 2131 section 4.3.1, table 3). A relayed NAK
// gets the broadcast flag, as the client may not answer ARP (section 4.3.2);
// so does a relayed answer to a DHCPINFORM without ciaddr, as in Kea. An answer
// that passes by the relay must not look relayed.
func (x *exchange) fill(h *head, kind uint8, via route) {
	m := &x.msg
	h.giaddr, h.hops = m.giaddr(), m.raw[offHops]
	if via != viaRelay {
		h.giaddr, h.hops = anyAddress, 0
	}
	h.broadcast = via == viaRelay && (kind == typeNak || m.typ == typeInform)
	if kind == typeNak {
		return
	}
	if m.typ != typeDiscover {
		h.ciaddr = m.ciaddr()
	}
	if m.typ != typeInform {
		h.yiaddr = ipOf(x.got.addr)
	}
	h.siaddr, h.sname, h.file = x.sub.siaddr, x.sub.sname, x.sub.file
}

// configure adds what a lease and the configuration give the client: lease
// times, then what it asks for in its order (RFC 2131 section 4.3.1), then
// what is always sent. A configured option counts where we have no value of
// our own, a mask for a DHCPINFORM among them.
func (w *Worker) configure(c *chain) {
	x, d := &w.x, &w.draft
	leased := x.msg.typ != typeInform
	if leased {
		d.put32(optLeaseTime, x.got.valid, true)
		t1, t2 := x.sub.life.tees(x.got.valid)
		if t1 > 0 {
			d.put32(optRenewal, t1, true)
		}
		if t2 > 0 {
			d.put32(optRebinding, t2, true)
		}
		d.put32(optSubnetMask, x.sub.mask, true)
		w.name()
	}
	for _, code := range x.msg.option(optParameters) {
		switch {
		case code == optSubnetMask && c.find(code) == nil:
			d.put32(optSubnetMask, x.sub.mask, false)
		case code == optVendorIDInfo:
		default:
			d.add(code, c.find(code), false)
		}
	}
	for _, code := range c.always {
		d.add(code, c.find(code), false)
	}
	w.vendor(c)
}

// name adds the client's name as the server took it.
func (w *Worker) name() {
	n := &w.x.names
	n.settle(w.x.got.addr)
	switch {
	case n.fqdn:
		w.draft.put(optFQDN, n.answer(), false)
	case len(n.host) > 0:
		w.draft.put(optHostName, n.host, false)
	}
}

// echo adds what a reply repeats from its query: the client identifier (RFC
// 6842) and, through a relay only, the relay agent information.
func (w *Worker) echo(via route) {
	x, d := &w.x, &w.draft
	if x.plan.echoClientID {
		d.echo(&x.msg, optClientID)
	}
	if v := x.msg.option(optAgent); len(v) > 0 && (via == viaRelay || x.msg.typ != typeInform) {
		from := len(d.arena)
		d.arena = appendOption(d.arena, optAgent, v)
		d.agent = d.arena[from:]
	}
}
