package load

import (
	"bytes"
	"math"
)

// receive handles one frame: finds the client it answers, checks it, and
// moves the exchange on.
func (g *Generator) receive(f []byte) {
	if addr, ok := whoHas(f); ok {
		g.resolve(f, addr)
		return
	}
	p := payload(f)
	if p == nil {
		return
	}
	var a answer
	if !a.parse(p) {
		g.res.Malformed++
		return
	}
	g.res.Received++
	n := a.xid & (ClientsMax - 1)
	if int(n) >= len(g.clients) || a.mac != mac(g.cfg.Salt, n) {
		g.res.Strangers++
		return
	}
	c := &g.clients[n]
	if !c.busy || a.xid != c.xid {
		g.res.Late++ // answers an exchange already lost, or repeats one
		return
	}
	g.answer(n, c, &a)
}

func (g *Generator) answer(n uint32, c *client, a *answer) {
	now := g.now()
	refused := a.kind == nak && c.sent == request
	switch {
	case !refused && a.kind != wants(c.sent):
		g.res.Late++
	case !g.meant(n, a) || a.kind == offer && a.server == 0:
		g.wrong(n, now)
	case refused:
		g.res.Naks++
		g.forget(n, c)
		g.refused(n, c, now)
	case a.kind == offer:
		c.offered, c.server = a.yiaddr, a.server
		c.sent, c.attempt = request, 0
		g.res.Steps.record(now - c.intended)
		g.send(n, now)
	case c.doing == Inform:
		g.done(n, c, now)
	case !c.asked(a):
		g.wrong(n, now)
	case g.taken(n, a.yiaddr, now):
		g.res.Duplicates++
		g.lose(n, now)
	default:
		g.own(n, c, a, now)
		g.done(n, c, now)
	}
}

// refused goes on after a NAK. One that answers a DORA makes the client wait as
// if nothing had come, so that a server that refuses everybody is not asked
// without end.
func (g *Generator) refused(n uint32, c *client, now int64) {
	if !g.cfg.Restart {
		g.lose(n, now)
		return
	}
	selecting := c.doing == DORA
	c.doing, c.sent, c.attempt = DORA, discover, 0
	if !selecting {
		g.send(n, now)
		return
	}
	c.deadline = now + int64(g.patience(c, now))
	g.wheel.add(n, c.deadline)
}

// meant tells whether an answer carries back what it must: the relay's address
// (RFC 2131 section 4.3.1, table 3), and if at all, the relay's option (RFC
// 3046 section 2.2) and the client's identifier (RFC 6842), as they were sent.
func (g *Generator) meant(n uint32, a *answer) bool {
	relay, agent, m := g.relay(n), circuit(n), mac(g.cfg.Salt, n)
	return a.giaddr == relay &&
		(a.agent == nil || relay == 0 || bytes.Equal(a.agent, agent[:])) &&
		(a.client == nil || !g.cfg.ClientID || a.client[0] == 1 && bytes.Equal(a.client[1:], m[:]))
}

// asked tells whether an ACK gives a client what it asked for: the address for
// a time, and from the server that offered it.
func (c *client) asked(a *answer) bool {
	if c.doing == DORA {
		return a.yiaddr == c.offered && a.yiaddr != 0 && a.lease > 0 && a.server == c.server
	}
	return a.yiaddr == c.addr && a.yiaddr != 0 && a.lease > 0 && a.server != 0
}

// taken tells whether another client holds an address.
func (g *Generator) taken(n, addr uint32, now int64) bool {
	o, ok := g.owners.of(addr)
	return ok && o != n && g.clients[o].addr == addr && int64(g.clients[o].until)*1e9 > now
}

// own notes that n holds an address.
func (g *Generator) own(n uint32, c *client, a *answer, now int64) {
	g.owners.set(a.yiaddr, n)
	c.addr, c.server = a.yiaddr, a.server
	c.until = uint32(min(now/1e9+int64(a.lease), math.MaxUint32))
}

// done ends an exchange by its right answer.
func (g *Generator) done(n uint32, c *client, now int64) {
	g.res.record(c.doing, now-c.intended, now-g.origin)
	g.finish(n, now)
}

// wrong ends an exchange by a wrong answer.
func (g *Generator) wrong(n uint32, now int64) {
	g.res.Wrong++
	g.lose(n, now)
}

// forget drops what a client holds.
func (g *Generator) forget(n uint32, c *client) {
	g.owners.drop(c.addr, n)
	c.addr = 0
}

// finish ends an exchange well.
func (g *Generator) finish(n uint32, now int64) {
	c := &g.clients[n]
	if c.doing == Release || c.doing == Decline {
		g.res.record(c.doing, now-c.intended, now-g.origin)
		g.forget(n, c)
	}
	g.retire(n, c)
}

// lose ends an exchange that got no right answer.
func (g *Generator) lose(n uint32, now int64) {
	c := &g.clients[n]
	g.res.lost(c.doing, now-g.origin)
	g.retire(n, c)
}

func (g *Generator) retire(n uint32, c *client) {
	c.busy, c.deadline = false, 0
	g.waiting--
	if c.addr != 0 {
		g.bound.push(n)
	} else {
		g.idle.push(n)
	}
}
