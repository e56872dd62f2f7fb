package leases

import "slices"

// Configure says what can be leased. Called again it keeps every lease: those
// outside the new pools stay leases of their subnet, those of subnets that are
// gone stay on disk and are counted as orphans until their subnet is back.
// The first call reads the database. Networks that did not change are not touched; nobody may hold or begin a Txn
// during the call, since the numbers of networks change with it.
func (s *Store) Configure(nets []Network) error {
	if err := Check(nets); err != nil {
		return err
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	old := s.layout.Load()
	next := &layout{bySubnet: map[uint32]*subnetPlace{}}
	kept := map[*network]bool{}
	now := s.o.Clock.Now().Unix()
	for _, spec := range nets {
		n := old.unchanged(spec)
		if n == nil {
			n = newNetwork(spec, now, s.times.seconds())
		}
		kept[n] = true
		next.add(n)
	}
	slices.SortFunc(next.prefixes, func(a, b *subnetPlace) int { return a.sub.prefix.Addr().Compare(b.sub.prefix.Addr()) })
	for _, n := range old.nets {
		if !kept[n] {
			s.evict(n, next)
		}
	}
	if s.unread {
		if err := s.read(next); err != nil {
			return err
		}
	}
	s.adopt(next)
	s.layout.Store(next)
	return nil
}

func (l *layout) add(n *network) {
	l.nets = append(l.nets, n)
	for _, sub := range n.subnets {
		p := &subnetPlace{n, sub}
		l.bySubnet[sub.id] = p
		l.prefixes = append(l.prefixes, p)
	}
}

// unchanged returns the network laid out from an equal spec, if any.
func (l *layout) unchanged(spec Network) *network {
	if len(spec.Subnets) == 0 {
		return nil
	}
	p := l.bySubnet[spec.Subnets[0].ID]
	if p == nil || !slices.EqualFunc(p.net.spec.Subnets, spec.Subnets, func(a, b Subnet) bool {
		return a.ID == b.ID && a.Prefix == b.Prefix && slices.Equal(a.Pools, b.Pools)
	}) {
		return nil
	}
	return p.net
}

// evict moves the leases of a network that is going to where their subnets are
// now; those of subnets that are gone become orphans. Offers are not kept.
func (s *Store) evict(n *network, next *layout) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var buf []byte
	n.each(func(ref uint32) bool {
		if !n.kept(ref) {
			return true
		}
		r := n.recordOf(ref)
		sl, c := n.at(ref)
		at, durable := place{c.pool.subnet.id, n.addr(ref)}, sl.flags&flagDurable != 0
		if p := next.bySubnet[at.subnet]; p != nil && p.sub.prefix.Contains(toAddr(at.addr)) {
			p.net.mu.Lock()
			p.net.restore(at.addr, &r, durable)
			p.net.mu.Unlock()
			return true
		}
		buf = r.append(buf[:0])
		s.orphans[at] = orphan{string(buf), durable}
		return true
	})
}

// adopt puts orphans whose subnet is there again in their place.
func (s *Store) adopt(l *layout) {
	for at, v := range s.orphans {
		p := l.bySubnet[at.subnet]
		if p == nil || !p.sub.prefix.Contains(toAddr(at.addr)) {
			continue
		}
		r, err := parseRecord([]byte(v.value))
		if err != nil {
			continue // counted when it was read
		}
		p.net.mu.Lock()
		p.net.restore(at.addr, &r, v.durable)
		p.net.mu.Unlock()
		delete(s.orphans, at)
	}
}

// restore puts a stored lease in its slot, with its number.
func (n *network) restore(addr uint32, r *record, durable bool) {
	if ref := n.set(addr, r); ref != 0 {
		s := n.slot(ref)
		s.seq = r.seq
		s.flags |= flagStored
		s.flags &^= flagDurable
		if durable {
			s.flags |= flagDurable
		}
	}
}

// set overwrites the lease of an address with a record.
func (n *network) set(addr uint32, r *record) uint32 {
	ref := n.touch(addr)
	if ref == 0 {
		return 0
	}
	s, c := n.at(ref)
	n.use(c, ref, s)
	n.leave(ref, s)
	s.htype = r.htype
	n.setData(s, r.hw, r.id, r.host, r.x)
	if r.state != Declined {
		n.enter(ref, s)
	}
	s.cltt, s.valid, s.until = uint32(r.cltt), r.valid, r.promise
	s.setFQDN(r.fwd, r.rev)
	n.setState(c.pool, s, r.state)
	s.setUnder(Free)
	if r.state == Reclaimed || r.state == Released {
		n.push(c.pool, listFormer, ref)
	} else {
		n.schedule(c.pool, ref)
	}
	return ref
}

// each calls f for every slot of the network that was touched, by slot number,
// until f returns false.
func (n *network) each(f func(ref uint32) bool) {
	for i, c := range n.chunks {
		if c == nil {
			continue
		}
		for k := range c.slots {
			if !f(uint32(i)<<chunkBits | uint32(k)) {
				return
			}
		}
	}
}
