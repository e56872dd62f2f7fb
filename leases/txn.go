package leases

import "net/netip"

// Txn is exclusive access to the leases of one network, for one query: Begin,
// decide, change, End. It holds the network's lock: no parsing, no reply
// writing, no I/O in between. It is a value and costs no allocation.
type Txn struct {
	s *Store
	n *network
}

// Begin opens a Txn on a network, by its index in Configure's argument.
func (s *Store) Begin(network int) Txn {
	n := s.layout.Load().nets[network]
	n.mu.Lock()
	return Txn{s, n}
}

// End closes the Txn.
func (t *Txn) End() { t.n.mu.Unlock() }

// view shows a slot as the client sees it.
func (t *Txn) view(ref uint32, who *Client) View {
	s, c := t.n.at(ref)
	return View{
		Addr: toAddr(t.n.addr(ref)), SubnetID: c.pool.subnet.id, PoolID: c.pool.id,
		Subnet: c.pool.subnet.index, Pool: c.pool.index,
		State: s.state(), Under: s.under(), CLTT: int64(s.cltt), ValidLft: s.valid,
		FQDNFwd: s.flags&flagFwd != 0, FQDNRev: s.flags&flagRev != 0,
		Durable: s.flags&flagDurable != 0 && s.state() != Offered,
		Mine:    who != nil && s.hasClient() && t.n.isClient(s, who),
	}
}

// Find returns the client's lease in a subnet, in Kea's order: the one with its
// client id, else one with its hardware address and no other client id. It
// finds Active (also expired), Offered, Reclaimed and Released leases; an
// Active one first, an offer next.
func (t *Txn) Find(subnet int, who *Client) (View, bool) {
	ref := t.n.find(subnet, who)
	if ref == 0 {
		return View{}, false
	}
	return t.view(ref, who), true
}

func (n *network) find(subnet int, who *Client) uint32 {
	if len(who.ID) != 0 {
		if ref := n.best(subnet, who, n.tagID(who.ID), true); ref != 0 {
			return ref
		}
	}
	if who.HLen == 0 {
		return 0
	}
	return n.best(subnet, who, n.tagHW(who.HType, who.hw()), false)
}

// best returns the client's slot with a tag that says most: Active before
// Offered before the rest.
func (n *network) best(subnet int, who *Client, tag uint32, byID bool) uint32 {
	found, rank := uint32(0), 0
	cur := n.index.find(tag)
	for ref := cur.next(); ref != 0; ref = cur.next() {
		s, c := n.at(ref)
		if c.pool.subnet.index != subnet || byID && s.idLen == 0 || !n.isClient(s, who) {
			continue
		}
		r := 1
		switch s.state() {
		case Active:
			r = 3
		case Offered:
			r = 2
		}
		if r > rank {
			found, rank = ref, r
		}
	}
	return found
}

// At returns what is known of an address; false if it is free. who may be nil.
func (t *Txn) At(addr netip.Addr, who *Client) (View, bool) {
	ref := t.lookup(addr)
	if ref == 0 || t.n.slot(ref).state() == Free {
		return View{}, false
	}
	return t.view(ref, who), true
}

func (t *Txn) lookup(addr netip.Addr) uint32 {
	u, ok := toU32(addr)
	if !ok {
		return 0
	}
	return t.n.lookup(u)
}

// Unchanged tells whether granting g to the client would change nothing of the
// address's active lease but its times: the condition for answering a renewal
// from the lease cache.
func (t *Txn) Unchanged(addr netip.Addr, who *Client, g *Grant) bool {
	ref := t.lookup(addr)
	if ref == 0 {
		return false
	}
	s := t.n.slot(ref)
	host, context := t.n.extra(s)
	return s.state() == Active && t.n.sameClient(s, who) &&
		(s.flags&flagFwd != 0) == g.FQDNFwd && (s.flags&flagRev != 0) == g.FQDNRev &&
		string(host) == string(g.Hostname) && string(context) == string(g.UserContext)
}

// Commit makes the address the client's active lease and adds the change to the
// batch. It refuses data too long to keep (ErrTooLong), addresses of no subnet
// (ErrNotInSubnet) and addresses that someone else holds (ErrTaken).
func (t *Txn) Commit(b *Batch, addr netip.Addr, who *Client, g *Grant) error {
	if err := checkLengths(who.hw(), who.ID, g.Hostname, g.UserContext); err != nil {
		return err
	}
	u, ok := toU32(addr)
	if !ok || g.CLTT < 0 || g.CLTT > clttMax {
		return ErrNotInSubnet
	}
	ref := t.n.touch(u)
	if ref == 0 {
		return ErrNotInSubnet
	}
	if t.n.held(ref, who, g.CLTT) {
		return ErrTaken
	}
	t.n.activate(ref, who, g)
	t.s.note(t.n, b, Put, false, ref)
	return nil
}

// held tells whether someone other than the client has a right to the address now.
func (n *network) held(ref uint32, who *Client, now int64) bool {
	s := n.slot(ref)
	if s.hasClient() && n.isClient(s, who) {
		return false
	}
	switch s.state() {
	case Active, Declined:
		return s.ends() > now
	case Offered:
		return int64(s.until) > now || s.under() == Active && s.expires() > now
	}
	return false
}

// bound tells whether the slot is the client's active lease, not over yet: it
// needs no offer to be the client's.
func (n *network) bound(ref uint32, who *Client, now int64) bool {
	s := n.slot(ref)
	return s.state() == Active && s.ends() > now && n.isClient(s, who)
}

// Offer reserves an address of the caller's choice (a reservation, or the
// client's own) for the client; also outside pools. The client's active lease
// stays as it is. False if someone else
// holds it or no subnet has it.
func (t *Txn) Offer(addr netip.Addr, who *Client, now int64) bool {
	u, ok := toU32(addr)
	if !ok {
		return false
	}
	ref := t.n.touch(u)
	if ref == 0 || t.n.held(ref, who, now) {
		return false
	}
	if !t.n.bound(ref, who, now) {
		t.n.offer(ref, who, now+t.n.times.offer)
	}
	return true
}

// Release ends the client's lease at its wish (RFC 2131 section 4.3.4): kept as
// Released with lifetime 0 while there is affinity, as Kea does, else deleted.
// False if the address has no active lease.
func (t *Txn) Release(b *Batch, addr netip.Addr, now int64) bool {
	ref := t.lookup(addr)
	if ref == 0 || t.n.slot(ref).state() != Active {
		return false
	}
	s := t.n.slot(ref)
	if t.n.times.affinity == 0 || s.valid == Infinite {
		t.s.erase(t.n, b, false, ref)
		return true
	}
	t.n.former(ref, Released)
	s.valid = 0
	t.s.note(t.n, b, Put, false, ref)
	return true
}

// Decline takes an address out of use for probation seconds (RFC 2131 section
// 4.3.3). False if no subnet has it.
func (t *Txn) Decline(b *Batch, addr netip.Addr, now int64, probation uint32) bool {
	u, ok := toU32(addr)
	if !ok {
		return false
	}
	ref := t.n.touch(u)
	if ref == 0 {
		return false
	}
	t.n.decline(ref, now, probation)
	t.s.note(t.n, b, Put, false, ref)
	return true
}

// Leave deletes a lease of the client, who gets another address with the same
// query. The client has this one until it is told so: the lease goes when the query
// is settled, and stays if its commit fails. False if there is none.
func (t *Txn) Leave(b *Batch, addr netip.Addr) bool {
	ref := t.lookup(addr)
	if ref == 0 || !t.n.kept(ref) {
		return false
	}
	t.s.note(t.n, b, Delete, false, ref)
	b.changes[len(b.changes)-1].later = true
	return true
}

// kept tells whether the slot is a lease that has, or will have, a record.
func (n *network) kept(ref uint32) bool {
	s := n.slot(ref)
	return s.state().stored() || s.state() == Offered && s.under().stored()
}

// ForgetOffer ends the client's offer of an address, when it chose another
// server's. False if it had none.
func (t *Txn) ForgetOffer(addr netip.Addr, who *Client) bool {
	ref := t.lookup(addr)
	if ref == 0 {
		return false
	}
	if s := t.n.slot(ref); s.state() != Offered || !t.n.isClient(s, who) {
		return false
	}
	t.n.unoffer(ref)
	return true
}

// note numbers a change of a slot and adds it to the batch.
func (s *Store) note(n *network, b *Batch, op Op, quiet bool, ref uint32) {
	sl, c := n.at(ref)
	sl.seq = s.seq.Add(1)
	sl.flags &^= flagDurable | flagTold
	sl.flags |= flagStored
	if b == nil {
		return
	}
	r := n.recordOf(ref)
	if !r.state.stored() {
		r.state = Active // an offer's lease being deleted
	}
	b.add(op, quiet, c.pool.subnet.id, n.addr(ref), &r)
}

// erase deletes a lease with a change.
func (s *Store) erase(n *network, b *Batch, quiet bool, ref uint32) {
	s.eraseAt(n, b, quiet, ref, s.o.Clock.Now().Unix())
}

// eraseAt is erase for a deletion made at a moment, unix s.
func (s *Store) eraseAt(n *network, b *Batch, quiet bool, ref uint32, at int64) {
	s.note(n, b, Delete, quiet, ref)
	if b != nil {
		b.changes[len(b.changes)-1].At = at
	}
	if sl, c := n.at(ref); !quiet {
		s.graves.add(Tombstone{Seq: sl.seq, SubnetID: c.pool.subnet.id, Addr: n.addr(ref), At: at})
	}
	s.unstray(n, n.addr(ref))
	c := n.chunks[ref>>chunkBits]
	n.unlink(c.pool, ref)
	n.forget(ref)
}
