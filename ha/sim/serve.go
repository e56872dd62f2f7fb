package sim

import (
	"net/netip"
	"time"

	"needletail/ha"
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
	"needletail/leases"
)

// kind of a client's message.
type kind uint8

const (
	discover kind = iota
	request       // selecting: names a server
	reboot        // INIT-REBOOT, renewing, rebinding: names an address only
	release
	decline
)

// query is a client's message; answer takes the server's.
type query struct {
	kind   kind
	id     string
	addr   netip.Addr
	server *server // of a request
	secs   time.Duration
	answer func(reply)
}

// reply of a server; nak when it has no address.
type reply struct {
	from *server
	addr netip.Addr
}

// hear receives a query, or leaves it in the socket of a stopped server. One that
// was stopped for so long that its partner can have taken over drops what waited,
// all but DISCOVERs (slowpath: pump_absence.go).
func (s *server) hear(q query) {
	if !s.stopped {
		s.receive(q)
		return
	}
	stopped := s.stoppedAt
	s.awake(func() {
		if after := s.settings.Absence(); q.kind == discover || after == 0 || s.since-stopped < after {
			s.receive(q)
		}
	})
}

// receive judges a query as the filters do, then serves it.
func (s *server) receive(q query) {
	if !s.enabled() {
		return
	}
	owner, mine := 0, s.scope.Serve != (rfc3074.Buckets{})
	if s.scope.Mode == scope.Hashed {
		b := rfc3074.Hash([]byte(q.id))
		owner, mine = int(s.scope.Owners[b]), s.scope.Serve.Has(b)
	}
	if !mine {
		if s.scope.Interrupted {
			s.waiting[q.id] = s.waiting[q.id] || q.secs > s.scope.AckDelay
		}
		return
	}
	pool := s.c.pools[owner]
	switch q.kind {
	case discover:
		s.offer(q, pool)
	case release, decline:
		s.giveUp(q)
	default:
		s.request(q, pool)
	}
}

// offer answers a DISCOVER from memory.
func (s *server) offer(q query, pool []netip.Addr) {
	if l, ok := s.of(q.id, pool); ok && s.free(l.Addr, q.id) {
		s.promise(q, l.Addr)
		return
	}
	first := s.c.world.rng.IntN(len(pool))
	if s.c.LowestFirst {
		first = 0
	}
	for i := range pool {
		if a := pool[(first+i)%len(pool)]; s.free(a, q.id) {
			s.promise(q, a)
			return
		}
	}
}

func (s *server) promise(q query, a netip.Addr) {
	s.offers[a] = offer{q.id, s.c.world.now + 10*time.Second}
	q.answer(reply{s, a})
}

// free reports whether a client may have an address.
func (s *server) free(a netip.Addr, id string) bool {
	if s.busy[a] > 0 {
		return false
	}
	if l, ok := s.live.leases[a]; ok && held(l, s.clock()) && string(l.ClientID) != id {
		return false
	}
	o, ok := s.offers[a]
	return !ok || o.id == id || o.until < s.c.world.now
}

// request commits, and answers once the lease is on disk and the partner has
// what it must have.
func (s *server) request(q query, pool []netip.Addr) {
	if q.server != nil && q.server != s {
		return
	}
	if s.busy[q.addr] > 0 {
		return
	}
	if !contains(pool, q.addr) || !s.free(q.addr, q.id) {
		q.answer(reply{from: s})
		return
	}
	delete(s.offers, q.addr)
	l := leases.Lease{Addr: q.addr, ClientID: []byte(q.id), CLTT: s.clock().Truncate(time.Second), ValidLft: uint32(s.c.Lifetime / time.Second)}
	s.commit(ha.Update{Lease: l}, func() {
		s.c.world.logf("%s acks %s for %s", s.name, l.Addr, q.id)
		s.taint(l.Addr)
		q.answer(reply{s, l.Addr})
	})
}

// giveUp ends a client's lease: it releases the address, and the lease is kept
// for the client's return or deleted; or it declines it, and nobody gets it for a
// while.
func (s *server) giveUp(q query) {
	l, ok := s.live.leases[q.addr]
	if !ok || string(l.ClientID) != q.id || l.State != leases.Active || s.busy[q.addr] > 0 {
		return
	}
	s.c.world.logf("%s: %s gives %s up", s.name, q.id, q.addr)
	u := ha.Update{Lease: l, At: s.clock().Truncate(time.Second)}
	switch {
	case q.kind == decline:
		u.Lease.State, u.Lease.ClientID, u.Lease.CLTT, u.Lease.ValidLft = leases.Declined, nil, u.At, declinedFor
	case s.c.Forget:
		u.Delete = true
	default:
		u.Lease.State, u.Lease.ValidLft = leases.Released, 0
	}
	s.commit(u, func() {})
}

const declinedFor = 20 // s

// commit changes a lease here, on disk and at the partner. A query may reach
// replication a little after the table, when the state has moved on.
func (s *server) commit(u ha.Update, done func()) {
	a := u.Lease.Addr
	s.doom()
	s.taint(a)
	s.vouch(u)
	s.live.apply(u)
	s.untold[a] = true
	delete(s.told, a)
	s.busy[a]++
	behind := s.behind // by the time the partner fails to answer we may have read its leases
	waits, good := 2, true
	finish := func(ok bool) {
		good = good && ok
		if waits--; waits > 0 {
			return
		}
		s.busy[a]--
		s.unsettled(a, !good && behind)
		if s.told[a] && s.c.Mutation != IgnoreConflicts { // the partner's own client has it by now (leases.Store.Settle)
			return
		}
		if s.untold[a] = !good; good {
			done()
		}
	}
	if s.c.Mutation == SkipDisk {
		s.save(u, func() {})
		finish(true)
	} else {
		s.save(u, func() { finish(true) })
	}
	life := s.life
	s.c.world.after(s.c.world.between(0, s.c.stall()), func() {
		if s.life == life {
			s.awake(func() { s.replicate(u, finish) })
		}
	})
}

// vouch notes until when a client that renews its lease has been told of it.
func (s *server) vouch(u ha.Update) {
	a := u.Lease.Addr
	delete(s.vouched, a)
	if have, ok := s.live.leases[a]; ok && !s.untold[a] && have.State == leases.Active && leases.SameClient(&have, &u.Lease) {
		s.vouched[a] = have.Expires()
	}
}

// unsettled notes that a change was not settled which a server made while the
// partner served alone: it did not know, for it had been stopped.
func (s *server) unsettled(a netip.Addr, yes bool) {
	if yes {
		s.c.taint(a)
	}
}

// stall is how long a worker may take from the table to replication.
func (c *Cluster) stall() time.Duration {
	if c.Chained {
		return 50 * time.Millisecond
	}
	return 2 * time.Millisecond
}

// taint notes that an address is promised, or may be yet, by a server that
// cannot know better.
func (s *server) taint(a netip.Addr) {
	if s.excused() {
		s.c.taint(a)
	}
}

func (c *Cluster) taint(a netip.Addr) { c.tainted[a] = c.world.now + c.Lifetime + 10*time.Second }

func contains(pool []netip.Addr, a netip.Addr) bool {
	for _, p := range pool {
		if p == a {
			return true
		}
	}
	return false
}
