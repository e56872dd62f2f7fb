package leases

// settleStep bounds the changes marked under one hold of a network's lock.
const settleStep = 64

// Settle marks the leases of a batch durable, once its commit and its partners
// have finished, and deletes those that clients left: those of queries still OK,
// if the commit succeeded, and only where no newer change was made since (that
// one's batch will do it). The owner of a batch calls it before Reset.
//
// A query that a partner's update has overtaken, so that its address is another
// client's now, is refused here at the latest: with the lock that PutUnless holds
// for the update, there is no moment between.
//
// A lease whose commit failed, or which a partner refused, stays not durable:
// the table is ahead of the disk, its client got no reply, and its next renewal
// is committed anew instead of being answered from the cache.
func (s *Store) Settle(b *Batch) {
	if b.err != nil {
		return
	}
	s.admin.RLock()
	defer s.admin.RUnlock()
	l := s.layout.Load()
	var locked *network
	held := 0
	for qi := range b.queries {
		q := &b.queries[qi]
		if !q.OK {
			continue
		}
		for i := range b.changes[q.First : q.First+q.N] {
			c := &b.changes[q.First+i]
			p := l.bySubnet[c.SubnetID]
			if c.Op != Put && !c.later || p == nil || !q.OK {
				continue
			}
			if held++; locked != p.net || held >= settleStep {
				if locked != nil {
					locked.mu.Unlock()
				}
				locked, held = p.net, 0
				locked.mu.Lock()
			}
			if c.later {
				s.left(locked, c)
				continue
			}
			q.OK = s.settle(locked, c)
		}
	}
	if locked != nil {
		locked.mu.Unlock()
	}
}

// settle marks one change, and tells whether its client may be answered: not
// if the address is another client's by now.
func (s *Store) settle(n *network, c *Change) bool {
	addr, _ := toU32(c.Addr)
	ref := n.lookup(addr)
	if ref == 0 {
		return true
	}
	sl := n.slot(ref)
	if sl.seq == c.Seq {
		n.durable(ref, sl)
		s.unstray(n, addr)
		return true
	}
	return sl.state() != Active || !c.other(n, sl)
}

// durable marks a slot whose latest change is settled. What its client was told
// before holds no more; the wheel counted on it.
func (n *network) durable(ref uint32, s *slot) {
	s.flags |= flagDurable
	if s.state() != Active {
		return
	}
	shorter := s.ends() > s.expires()
	if s.until = 0; shorter {
		n.reschedule(n.chunks[ref>>chunkBits].pool, ref)
	}
}

// left deletes a lease whose client has another address now, unless something
// was done with it since. The disk gets it with a later commit.
func (s *Store) left(n *network, c *Change) {
	addr, _ := toU32(c.Addr)
	ref := n.lookup(addr)
	if ref == 0 {
		return
	}
	sl := n.slot(ref)
	if sl.seq != c.Seq || !sl.state().stored() {
		return
	}
	s.erase(n, nil, false, ref)
	if s.disk != nil {
		s.disk.oweDeletion(place{c.SubnetID, addr}, n.slot(ref).seq)
	}
}

// other tells whether a slot belongs to another client than the change.
func (c *Change) other(n *network, s *slot) bool {
	r, err := parseRecord(c.value())
	if err != nil || r.state != Active {
		return false
	}
	who := NewClient(r.htype, r.hw, r.id)
	return !n.isClient(s, &who)
}
