package leases

// The moves of a slot between states. Each keeps the index, the lists, the
// counts and the flags in step; nothing else writes them.

// Kinds that are counted per subnet.
const (
	countActive = iota
	countDeclined
	countReclaimed
	countReleased
	countOffered
	countKinds
)

// counted maps a state to what it counts as; -1 is not counted.
func counted(x State) int {
	switch {
	case x <= Released:
		return int(x)
	case x == Offered:
		return countOffered
	}
	return -1
}

// setState changes the state and the counts of the subnet. A stored lease
// counts as offered while an offer lies over it.
func (n *network) setState(p *pool, s *slot, to State) {
	if k := counted(s.state()); k >= 0 {
		p.subnet.counts[k]--
	}
	if k := counted(to); k >= 0 {
		p.subnet.counts[k]++
	}
	s.setState(to)
}

// use takes the slot out of its list for a new purpose and notes that the
// address is no longer as new.
func (n *network) use(c *chunk, ref uint32, s *slot) {
	if s.list == listNone && s.state() == Free {
		c.used++
	}
	n.unlink(c.pool, ref)
}

// offer reserves a slot for a client until a moment. The client's own former
// lease stays beneath; anyone else's is forgotten.
func (n *network) offer(ref uint32, who *Client, until int64) {
	s, c := n.at(ref)
	n.use(c, ref, s)
	under := s.under()
	if s.state() != Offered {
		under = s.state()
	}
	mine := s.hasClient() && n.isClient(s, who)
	if !mine || !under.stored() {
		n.takeOver(ref, s, who)
		s.cltt, s.valid, under = 0, 0, Free
	}
	n.setState(c.pool, s, Offered)
	s.setUnder(under)
	s.until = uint32(until)
	n.push(c.pool, listOffers, ref)
}

// unoffer ends an offer: back to the lease beneath it, or free.
func (n *network) unoffer(ref uint32) {
	s, c := n.at(ref)
	under := s.under()
	n.unlink(c.pool, ref)
	s.setUnder(Free)
	s.until = 0
	switch {
	case under == Active:
		n.setState(c.pool, s, Active)
		n.schedule(c.pool, ref)
	case under.stored():
		n.setState(c.pool, s, under)
		n.push(c.pool, listFormer, ref)
	default:
		n.forget(ref)
	}
}

// forget makes a slot free and empty; it is in no list before.
func (n *network) forget(ref uint32) {
	s, c := n.at(ref)
	n.leave(ref, s)
	n.setData(s, nil, nil, nil, nil)
	n.setState(c.pool, s, Free)
	s.setUnder(Free)
	s.until = 0
	s.flags &= flagStored
	n.push(c.pool, listFree, ref)
}

// takeOver gives a slot to a client and drops all other data. The index is left
// alone where the client stays: a REQUEST comes after its own offer.
func (n *network) takeOver(ref uint32, s *slot, who *Client) {
	if n.sameClient(s, who) {
		n.dropExtra(s)
		return
	}
	n.leave(ref, s)
	s.htype = who.HType
	n.setData(s, who.hw(), who.ID, nil, nil)
	s.flags &^= flagFwd | flagRev
	n.enter(ref, s)
}

// dropExtra forgets hostname, user context and FQDN flags.
func (n *network) dropExtra(s *slot) {
	s.flags &^= flagFwd | flagRev
	if s.ext == 0 {
		return
	}
	n.scratch = append(append(n.scratch[:0], n.hw(s)...), n.id(s)...)
	n.setData(s, n.scratch[:s.hlen], n.scratch[s.hlen:], nil, nil)
}

// promise is the latest end of its active lease that the client may have been
// told of, 0 if it has none.
func (n *network) promise(s *slot, who *Client) uint32 {
	if s.state() != Active || !s.hasClient() || !n.isClient(s, who) {
		return 0
	}
	return shortTime(s.ends())
}

// activate makes the slot an active lease of the client.
func (n *network) activate(ref uint32, who *Client, g *Grant) {
	s, c := n.at(ref)
	promise := n.promise(s, who)
	vouched := promise != 0 && s.flags&(flagDurable|flagTold) != 0
	end := max(g.CLTT+int64(g.ValidLft), fromShort(promise))
	renewal := s.state() == Active && s.list >= listWheel && end >= s.ends() && g.ValidLft != Infinite
	if !renewal {
		n.use(c, ref, s)
	}
	n.setState(c.pool, s, Active)
	s.setUnder(Free)
	if vouched {
		s.flags |= flagVouched
	}
	n.setGrant(ref, s, who, g)
	s.until = promise
	if !renewal {
		n.schedule(c.pool, ref)
	}
}

// setGrant writes client and grant, touching the index and the arena only where
// something differs.
func (n *network) setGrant(ref uint32, s *slot, who *Client, g *Grant) {
	same := n.sameClient(s, who)
	host, context := n.extra(s)
	if !same {
		n.leave(ref, s)
		s.htype = who.HType
	}
	if !same || string(host) != string(g.Hostname) || string(context) != string(g.UserContext) {
		n.setData(s, who.hw(), who.ID, g.Hostname, g.UserContext)
	}
	if !same {
		n.enter(ref, s)
	}
	s.cltt, s.valid = uint32(g.CLTT), g.ValidLft
	s.setFQDN(g.FQDNFwd, g.FQDNRev)
}

func (s *slot) setFQDN(fwd, rev bool) {
	s.flags &^= flagFwd | flagRev
	if fwd {
		s.flags |= flagFwd
	}
	if rev {
		s.flags |= flagRev
	}
}

// former turns an active lease into a Reclaimed or Released one: hostname and
// FQDN flags go, as in Kea (LeaseMgr reclamation), the client stays.
func (n *network) former(ref uint32, to State) {
	s, c := n.at(ref)
	n.unlink(c.pool, ref)
	n.setState(c.pool, s, to)
	s.setUnder(Free)
	s.until = 0
	n.push(c.pool, listFormer, ref)
}

// decline takes the address out of use: no client, no data (Kea:
// Lease4::decline).
func (n *network) decline(ref uint32, now int64, probation uint32) {
	s, c := n.at(ref)
	n.use(c, ref, s)
	n.leave(ref, s)
	n.setData(s, nil, nil, nil, nil)
	s.flags &^= flagFwd | flagRev
	n.setState(c.pool, s, Declined)
	s.setUnder(Free)
	s.cltt, s.valid, s.until = uint32(now), probation, 0
	n.schedule(c.pool, ref)
}
