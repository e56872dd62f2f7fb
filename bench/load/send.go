package load

import "time"

// start begins an exchange with a free client; false if there is none.
func (g *Generator) start(e Exchange, intended, now int64) bool {
	n, ok := g.pick(e)
	if !ok {
		return false
	}
	c := &g.clients[n]
	c.doing, c.sent, c.attempt, c.busy = e, e.first(), 0, true
	c.intended = intended
	c.xid = (c.xid>>indexBits+1)<<indexBits | n
	g.waiting++
	g.res.Begun[e]++
	g.send(n, now)
	return true
}

func (g *Generator) pick(e Exchange) (uint32, bool) {
	if e.bound() {
		return g.bound.pop()
	}
	if n, ok := g.idle.pop(); ok {
		return n, true
	}
	if g.cfg.Fresh {
		return 0, false
	}
	return g.bound.pop() // every client is bound: the oldest starts over
}

// spent tells that only clients without a lease may begin and fewer are left than
// do within a timeout: a few that a server does not serve always are.
func (g *Generator) spent() bool {
	return g.cfg.Fresh && float64(g.idle.len()) < g.cfg.Rate*g.cfg.Timeout.Seconds()
}

// send transmits the current message of a client, for the first time or again.
func (g *Generator) send(n uint32, now int64) {
	c := &g.clients[n]
	if buf := g.link.Buffer(); buf != nil {
		m, e := g.compose(n, now)
		g.link.Commit(e.put(buf, m.put(buf[headersLen:])))
		g.res.Sent++
	} else {
		g.res.LinkFull++
	}
	if wants(c.sent) == 0 {
		g.finish(n, now)
		return
	}
	c.deadline = now + int64(g.patience(c, now))
	g.wheel.add(n, c.deadline)
}

// patience is how long a client waits for an answer to this transmission.
// Without retransmission it waits for the whole exchange, from the moment that
// should have begun.
func (g *Generator) patience(c *client, now int64) time.Duration {
	if !g.cfg.Retransmit {
		return max(g.cfg.Timeout-time.Duration(now-c.intended), 0)
	}
	unit := g.cfg.backOff()
	if g.cfg.FlatRetry {
		return unit
	}
	jitter := time.Duration((g.rng.Float64() - 0.5) / 2 * float64(unit)) // RFC 2131 section 4.1: ±1 s of 4 s
	return unit<<min(c.attempt, 4) + jitter
}

// expire handles a deadline that passed without the answer.
func (g *Generator) expire(n uint32, deadline int64) {
	c := &g.clients[n]
	if !c.busy || c.deadline != deadline {
		return
	}
	now := g.now()
	over := now-c.intended > int64(g.cfg.Timeout)
	if !g.cfg.Retransmit || over {
		g.lose(n, now)
		return
	}
	c.attempt++
	g.res.Retransmitted++
	g.send(n, now)
}

// compose builds the client's current message and its envelope (RFC 2131
// section 4.3.6, table 4, and section 4.1 for the addresses).
func (g *Generator) compose(n uint32, now int64) (message, envelope) {
	c := &g.clients[n]
	m := message{kind: c.sent, xid: c.xid, mac: mac(g.cfg.Salt, n), clientID: g.cfg.ClientID, circuit: n}
	if g.cfg.Retransmit {
		m.secs = uint16(min((now-c.intended)/1e9, 0xffff))
	}
	direct := false // unicast to the server
	switch {
	case c.doing == DORA && c.sent == request:
		m.requested, m.server = c.offered, c.server
	case c.doing == InitReboot:
		m.requested = c.addr
	case c.doing == Decline:
		m.requested, m.server = c.addr, c.server
	case c.doing == Release:
		m.ciaddr, m.server, direct = c.addr, c.server, true
	case c.doing == Renew:
		m.ciaddr, direct = c.addr, true
	case c.doing == Rebind, c.doing == Inform:
		m.ciaddr = c.addr
	}
	m.broadcast = g.cfg.Broadcast && m.ciaddr == 0
	return g.address(n, m, direct)
}

// relay returns the address of the relay a client is behind, 0 for none.
func (g *Generator) relay(n uint32) uint32 {
	if len(g.relays) == 0 {
		return 0
	}
	return g.relays[int(n)%len(g.relays)]
}

func (g *Generator) address(n uint32, m message, direct bool) (message, envelope) {
	if m.giaddr = g.relay(n); m.giaddr != 0 {
		return m, envelope{dstMAC: g.cfg.ServerMAC, srcMAC: g.cfg.OwnMAC, src: m.giaddr, dst: g.server, srcPort: 67, dstPort: 67}
	}
	e := envelope{srcMAC: m.mac, src: m.ciaddr, srcPort: 68, dstPort: 67}
	if direct {
		e.dstMAC, e.dst = g.cfg.ServerMAC, g.server
	} else {
		e.dstMAC, e.dst = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0xffffffff
	}
	return m, e
}
