package slowpath

import (
	"errors"
	"net/netip"

	"needletail/leases"
)

// The functions of this file run while the network's leases are locked: they
// look up and change the table and do nothing else.

// own finds the client's lease in the network, first where it is now.
func (x *exchange) own(t *leases.Txn) (leases.View, *subnet) {
	for s := x.sub; s != nil; s = x.next(x.sub, s) {
		if v, ok := t.Find(s.index, x.as(s)); ok {
			return v, s
		}
	}
	return leases.View{}, nil
}

// live tells whether v is a lease that runs.
func live(v *leases.View, now int64) bool { return v.State == leases.Active && v.Expires() > now }

// offer finds an address for a DHCPDISCOVER and reserves it (RFC 2131 section
// 4.3.1): the client's present or former one, the one it asks for, any other,
// in the next subnet if this one has none. It sets x.sub.
func (w *Worker) offer(t *leases.Txn) bool {
	x := &w.x
	if v, s := x.own(t); s != nil && s.allows(addrNumber(v.Addr), x.classes) {
		if live(&v, x.now) {
			x.sub = s
			x.got = holding{addrNumber(v.Addr), x.offered(t, &v)}
			return true
		}
		if x.reserve(t, s, v.Addr) {
			return true
		}
	}
	if hint := x.hint(); hint != 0 {
		if s, st := x.placeOf(hint); st == free && x.reserve(t, s, netAddr(hint)) {
			return true
		}
	}
	return w.allocate(t)
}

// offered returns the lifetime to offer with a running lease: what is left
// while the lease cache would answer, as the DHCPREQUEST would be told.
func (x *exchange) offered(t *leases.Txn, v *leases.View) uint32 {
	g := x.grant(addrNumber(v.Addr))
	if left := x.reusable(t, v, &g); left > 0 {
		return left
	}
	return g.ValidLft
}

func (x *exchange) reserve(t *leases.Txn, s *subnet, a netip.Addr) bool {
	if !t.Offer(a, x.as(s), x.now) {
		return false
	}
	x.sub = s
	x.got = holding{addrNumber(a), x.lifetime()}
	return true
}

// allocate takes any address, moving on through the network's subnets.
func (w *Worker) allocate(t *leases.Txn) bool {
	x := &w.x
	first := x.sub
	for s := first; s != nil; s = x.next(first, s) {
		v, ok := x.free(t, s)
		if !ok {
			continue
		}
		if s != first {
			w.count.nextNet.Add(1)
		}
		x.sub = s
		x.got = holding{addrNumber(v.Addr), x.lifetime()}
		return true
	}
	return false
}

// free reserves a free address of a subnet, of the client's share if it has
// one.
func (x *exchange) free(t *leases.Txn, s *subnet) (leases.View, bool) {
	if s.shared {
		if v, ok := t.Allocate(s.index, x.sharesOf(s), x.as(s), netip.Addr{}, x.now); ok {
			return v, true
		}
	}
	return t.Allocate(s.index, x.poolsOf(s), x.as(s), netip.Addr{}, x.now)
}

// hint is the address the client would like: option 50, else ciaddr.
func (x *exchange) hint() uint32 {
	if a := x.msg.addrOption(optRequested); a != anyAddress {
		return number(a)
	}
	return number(x.msg.ciaddr())
}

// placeOf finds the subnet of the network with a pool that holds a and that
// the client may use. The standing is free if there is one.
func (x *exchange) placeOf(a uint32) (*subnet, standing) {
	found := outsidePools
	for _, s := range x.sub.net.subnets {
		if !s.contains(a) || s.poolOf(a) < 0 {
			continue
		}
		if s.admits(x.classes) && s.allows(a, x.classes) {
			return s, free
		}
		found = forbidden
	}
	return nil, found
}

// request answers a DHCPREQUEST from the table and commits what it grants to b.
func (w *Worker) request(t *leases.Txn, b *leases.Batch, tag uint32, f facts) (answer, bool) {
	x := &w.x
	own, ownSub := x.own(t)
	hint := x.hint()
	f.known = ownSub != nil && (own.State != leases.Offered || own.Under != leases.Free)
	f.same = ownSub != nil && addrNumber(own.Addr) == hint
	place, st := x.standing(t, hint, &own, ownSub)
	f.wanted = st
	if a := decideRequest(f); a.reply != typeAck {
		return a, false
	}
	if ownSub != nil && (f.same || hint == 0) && ownSub.allows(addrNumber(own.Addr), x.classes) {
		x.sub = ownSub
		return w.renew(t, b, tag, &own)
	}
	if hint == 0 {
		if !w.allocate(t) {
			return say(typeNak), false
		}
	} else if !x.reserve(t, place, netAddr(hint)) {
		return say(typeNak), false
	}
	return w.move(t, b, tag, &own, ownSub)
}

// standing finds out about the address asked for.
func (x *exchange) standing(t *leases.Txn, hint uint32, own *leases.View, ownSub *subnet) (*subnet, standing) {
	if hint == 0 {
		return nil, notAsked
	}
	s, st := x.placeOf(hint)
	if st != free || ownSub != nil && addrNumber(own.Addr) == hint {
		return s, st
	}
	v, ok := t.At(netAddr(hint), x.as(s))
	if ok && !v.Mine && (v.State == leases.Active || v.State == leases.Declined) && v.Expires() > x.now {
		return s, taken
	}
	return s, free
}

// renew grants the client the address it has. A running lease that would not
// change may be confirmed from the lease cache.
func (w *Worker) renew(t *leases.Txn, b *leases.Batch, tag uint32, v *leases.View) (answer, bool) {
	x := &w.x
	g := x.grant(addrNumber(v.Addr))
	x.got = holding{addrNumber(v.Addr), g.ValidLft}
	if live(v, x.now) {
		if left := x.reusable(t, v, &g); left > 0 {
			x.got.valid = left
			w.count.reused.Add(1)
			return say(typeAck), false
		}
	} else if !t.Offer(v.Addr, x.as(x.sub), x.now) {
		return say(typeNak), false
	}
	return x.commit(t, b, tag, v.Addr, &g)
}

// move grants the address just reserved and gives up the one the client had
// (Kea: alloc_engine.cc, requestLease4: one client has one lease).
func (w *Worker) move(t *leases.Txn, b *leases.Batch, tag uint32, own *leases.View, ownSub *subnet) (answer, bool) {
	x := &w.x
	to := netAddr(x.got.addr)
	g := x.grant(x.got.addr)
	a, changed := x.commit(t, b, tag, to, &g)
	if !changed || ownSub == nil || own.Addr == to {
		return a, changed
	}
	if own.State == leases.Offered {
		t.ForgetOffer(own.Addr, x.as(ownSub))
	} else {
		t.Leave(b, own.Addr)
	}
	return a, changed
}

// commit makes the lease and notes it in b as this query's change.
func (x *exchange) commit(t *leases.Txn, b *leases.Batch, tag uint32, a netip.Addr, g *leases.Grant) (answer, bool) {
	b.Query(tag, x.verdict.Relationship)
	switch err := t.Commit(b, a, x.as(x.sub), g); {
	case err == nil:
		return say(typeAck), true
	case errors.Is(err, leases.ErrTooLong):
		return quiet(SilenceTooLong), false
	}
	return say(typeNak), false
}

// reusable returns the seconds left of a running lease that the lease cache
// may confirm as it is, 0 if it must be written. Only what is on disk and at
// the partner may be confirmed without asking them again. A shorter lease is a
// change, a longer one can wait; one for ever cannot, as nobody would renew it.
func (x *exchange) reusable(t *leases.Txn, v *leases.View, g *leases.Grant) uint32 {
	noShorter := g.ValidLft >= v.ValidLft && (g.ValidLft != leases.Infinite || v.ValidLft == leases.Infinite)
	if !v.Durable || !noShorter {
		return 0
	}
	left := x.subnetOf(v).cached(v.CLTT, v.ValidLft, g.ValidLft, x.now)
	if left == 0 || !t.Unchanged(v.Addr, x.as(x.subnetOf(v)), g) {
		return 0
	}
	return left
}

func (x *exchange) subnetOf(v *leases.View) *subnet { return x.sub.net.subnets[v.Subnet] }

// lifetime is what the client gets in x.sub.
func (x *exchange) lifetime() uint32 {
	var wanted uint32
	if v := x.msg.option(optLeaseTime); v != nil {
		wanted = number([4]byte(v))
	}
	return x.sub.life.grant(wanted)
}

func (x *exchange) grant(addr uint32) leases.Grant {
	x.names.settle(addr)
	return leases.Grant{
		CLTT: x.now, ValidLft: x.lifetime(),
		Hostname: x.names.stored(), UserContext: x.context,
	}
}
