package load

import "math"

// receive handles one frame: finds the client it answers, checks it, and
// moves the exchange on.
func (g *Generator) receive(f []byte) {
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
	switch {
	case a.kind == nak && c.sent == request:
		g.res.Naks++
		g.forget(n, c)
		g.lose(n, now)
	case a.kind != wants(c.sent):
		g.res.Late++
	case a.kind == offer:
		c.offered, c.server = a.yiaddr, a.server
		c.sent, c.attempt = request, 0
		g.res.Steps.record(now - c.intended)
		g.send(n, now)
	default:
		g.acked(n, c, a, now)
	}
}

func (g *Generator) acked(n uint32, c *client, a *answer, now int64) {
	if c.doing != Inform {
		if !g.own(n, c, a, now) {
			g.res.Wrong++
			g.lose(n, now)
			return
		}
		c.server = a.server
	}
	g.res.record(c.doing, now-c.intended, now-g.origin)
	g.finish(n, now)
}

// own notes that n holds an address, and checks that nobody else does and
// that it is the one asked for.
func (g *Generator) own(n uint32, c *client, a *answer, now int64) bool {
	asked := c.addr
	if c.doing == DORA {
		asked = c.offered
	}
	if a.yiaddr == 0 || a.yiaddr != asked {
		return false
	}
	if o, taken := g.owners.of(a.yiaddr); taken && o != n && g.clients[o].addr == a.yiaddr && int64(g.clients[o].until)*1e9 > now {
		g.res.Duplicates++
		return false
	}
	g.owners.set(a.yiaddr, n)
	c.addr = a.yiaddr
	c.until = uint32(min(now/1e9+int64(a.lease), math.MaxUint32))
	return true
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
