package sim

import (
	"net/netip"
	"time"
)

// client is one simulated DHCP client (RFC 2131 section 4.4).
type client struct {
	c  *Cluster
	id string

	want  bool
	addr  netip.Addr    // held until until
	until time.Duration // 0: holds nothing
	from  *server       // who gave it
	since time.Duration // when it began asking, for secs
	xid   int           // answers to former questions are ignored

	bad      netip.Addr // somebody else uses it until badUntil
	badUntil time.Duration
}

// holds reports whether the client uses an address now.
func (k *client) holds() bool { return k.until > k.c.world.now }

func (k *client) join() {
	if !k.want {
		k.want = true
		k.since = k.c.world.now
		k.discover()
	}
}

// leave gives the address up, with a RELEASE that may be lost.
func (k *client) leave() {
	k.want = false
	k.xid++
	if k.holds() {
		k.c.world.logf("client %s releases %s", k.id, k.addr)
		k.tell([]*server{k.from}, query{kind: release, id: k.id, addr: k.addr})
	}
	k.until = 0
}

// conflict is how long somebody else uses an address that was declined.
const conflict = time.Minute

// decline finds that somebody else uses the address, and asks anew after 10 s
// (RFC 2131 section 3.1.5).
func (k *client) decline() {
	if !k.want || !k.holds() {
		return
	}
	w := k.c.world
	w.logf("client %s declines %s", k.id, k.addr)
	if w.now > k.badUntil {
		k.bad, k.badUntil = k.addr, w.now+conflict
	}
	k.tell([]*server{k.from}, query{kind: decline, id: k.id, addr: k.addr})
	k.until = 0
	k.xid++
	xid := k.xid
	w.after(10*time.Second, func() {
		if k.xid == xid && k.want {
			k.lose()
		}
	})
}

// restart loses the session but remembers the address (INIT-REBOOT).
func (k *client) restart() {
	if k.want && k.holds() {
		k.since = k.c.world.now
		k.ask(k.addr, nil, 3, k.c.servers)
	}
}

// hurry has the client ask for its address over and over.
func (k *client) hurry() {
	k.c.world.after(k.c.world.between(20*time.Millisecond, 40*time.Millisecond), func() {
		k.restart()
		k.hurry()
	})
}

// tell sends a query to servers: each may or may not hear it.
func (k *client) tell(to []*server, q query) {
	w := k.c.world
	for _, s := range to {
		if w.chance(k.c.clientLoss) {
			continue
		}
		w.after(w.between(100*time.Microsecond, 20*time.Millisecond), func() {
			if s.up && !s.deaf {
				s.hear(q)
			}
		})
	}
}

// heard wraps the taking of an answer: it travels, may be lost, and is ignored
// if the client has moved on.
func (k *client) heard(xid int, take func(reply)) func(reply) {
	w := k.c.world
	return func(r reply) {
		if r.from.deaf || w.chance(k.c.clientLoss) {
			return
		}
		w.after(w.between(100*time.Microsecond, 20*time.Millisecond), func() {
			if k.xid == xid {
				take(r)
			}
		})
	}
}

func (k *client) secs() time.Duration { return (k.c.world.now - k.since).Truncate(time.Second) }

// discover broadcasts until an offer comes.
func (k *client) discover() {
	k.xid++
	xid := k.xid
	k.tell(k.c.servers, query{kind: discover, id: k.id, secs: k.secs(), answer: k.heard(xid, func(r reply) {
		k.xid++
		k.ask(r.addr, r.from, 2, k.c.servers)
	})})
	k.c.world.after(k.c.world.between(2*time.Second, 4*time.Second), func() {
		if k.xid == xid && k.want {
			k.discover()
		}
	})
}

// ask sends a REQUEST some times, then begins anew.
func (k *client) ask(addr netip.Addr, server *server, tries int, to []*server) {
	k.xid++
	xid, sent := k.xid, k.c.world.now
	kind := request
	if server == nil {
		kind = reboot
	}
	k.tell(to, query{kind: kind, id: k.id, addr: addr, server: server, secs: k.secs(), answer: k.heard(xid, func(r reply) {
		if !r.addr.IsValid() {
			k.c.world.logf("client %s: NAK by %s for %s", k.id, r.from.name, addr)
			k.lose()
			return
		}
		k.bind(r, sent)
	})})
	k.c.world.after(k.c.world.between(2*time.Second, 3*time.Second), func() {
		switch {
		case k.xid != xid || !k.want:
		case tries > 1:
			k.ask(addr, server, tries-1, to)
		case !k.holds():
			k.discover()
		default: // INIT-REBOOT got no answer: the lease is still good (RFC 2131 section 3.2)
			k.later(xid)
		}
	})
}

func (k *client) lose() {
	k.until = 0
	k.since = k.c.world.now
	k.discover()
}

// bind takes an ACK: from here on the address is the client's.
func (k *client) bind(r reply, sent time.Duration) {
	k.xid++
	k.addr, k.from, k.until = r.addr, r.from, sent+k.c.Lifetime
	if k.addr == k.bad && k.c.world.now < k.badUntil {
		k.decline()
		return
	}
	k.c.promised(k)
	k.later(k.xid)
}

// later renews at half the time left, rebinds in the last eighth, and begins
// anew when the lease is over.
func (k *client) later(xid int) {
	w := k.c.world
	left := k.until - w.now
	wait, to := left/2, []*server{k.from}
	if left <= k.c.Lifetime/8 {
		wait, to = left/4, k.c.servers
	}
	if left < time.Second {
		w.after(left, func() {
			if k.xid == xid && k.want {
				k.lose()
			}
		})
		return
	}
	w.after(wait, func() {
		if k.xid == xid && k.want {
			k.since = w.now
			k.renew(to)
		}
	})
}

// renew asks once; without an answer the next try comes by itself.
func (k *client) renew(to []*server) {
	k.xid++
	xid, sent := k.xid, k.c.world.now
	k.tell(to, query{kind: reboot, id: k.id, addr: k.addr, secs: k.secs(), answer: k.heard(xid, func(r reply) {
		if !r.addr.IsValid() {
			k.c.world.logf("client %s: NAK by %s for %s", k.id, r.from.name, k.addr)
			k.lose()
			return
		}
		k.bind(r, sent)
	})})
	k.later(xid)
}
