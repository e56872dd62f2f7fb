package leases

import (
	"net/netip"
	"slices"
)

// Configure says what can be leased. Called again it keeps every lease: those
// outside the new pools stay leases of their subnet, those of an address that is
// another subnet's by now go there, and those that no subnet has stay on disk and
// are counted as orphans until one does (SetLeaseChecks may ask for less). The
// first call reads the database. Networks that did not change are not touched;
// nobody may hold or begin a Txn during the call, since the numbers of networks
// change with it.
func (s *Store) Configure(nets []Network) error {
	if err := Check(nets); err != nil {
		return err
	}
	var c census
	if err := s.layOut(nets, &c); err != nil {
		return err
	}
	s.report(&c)
	if err := s.mendStrays(&c); err != nil {
		s.o.Log.Error("lease database: leases keep their former subnet ids on disk for now", "error", err)
	}
	return nil
}

// layOut replaces the layout.
func (s *Store) layOut(nets []Network, c *census) error {
	s.admin.Lock()
	defer s.admin.Unlock()
	old := s.layout.Load()
	next := newLayout()
	kept := map[*network]bool{}
	now := s.o.Clock.Now().Unix()
	pools := territoryOf(nets)
	for _, spec := range nets {
		n := old.unchanged(spec)
		if n == nil || n.encroached(pools) {
			n = newNetwork(spec, now, s.times.seconds())
		}
		kept[n] = true
		next.add(n)
	}
	s.adopt(next, c)
	for _, n := range old.nets {
		if !kept[n] {
			s.evict(n, next, c)
		}
	}
	if s.unread {
		if err := s.read(next, c); err != nil {
			return err
		}
	}
	s.layout.Store(next)
	return nil
}

func newLayout() *layout {
	return &layout{bySubnet: map[uint32]*subnetPlace{}, byPrefix: map[netip.Prefix][]*subnetPlace{}}
}

func (l *layout) add(n *network) {
	l.nets = append(l.nets, n)
	for _, sub := range n.subnets {
		p := &subnetPlace{n, sub}
		l.bySubnet[sub.id] = p
		l.notePrefix(p)
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

// evict moves the leases of a network that is going to where their addresses are
// now. Offers are not kept.
func (s *Store) evict(n *network, next *layout, c *census) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.each(func(ref uint32) bool {
		if n.kept(ref) {
			r := n.recordOf(ref)
			s.house(next, place{n.recordedUnder(ref), n.addr(ref)}, &r, n.slot(ref).flags&flagDurable != 0, c)
		}
		return true
	})
}

// adopt looks for a place for the orphans.
func (s *Store) adopt(l *layout, c *census) {
	orphans := s.orphans
	s.orphans = map[place]orphan{}
	for at, v := range orphans {
		r, err := parseRecord([]byte(v.value))
		if err != nil {
			panic("leases: an orphan is a value that was not encoded here: " + err.Error())
		}
		r.promise = v.promise
		s.house(l, at, &r, v.durable, c)
	}
}

// restore puts a stored lease of an address that the network has in its slot, with
// its number. It returns the slot.
func (n *network) restore(addr uint32, r *record, durable bool) uint32 {
	ref := n.set(addr, r)
	s := n.slot(ref)
	s.seq = r.seq
	s.flags |= flagStored
	s.flags &^= flagDurable
	if durable {
		s.flags |= flagDurable
	}
	return ref
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
