package leases

import "net/netip"

// expiredLook bounds the steps that one allocation in a full pool spends on
// finding an expired lease.
const expiredLook = 64

// offerSure is how long an offer keeps its address whatever comes: clients choose
// within a few seconds. Later it gives way in a full pool, so that whoever
// asks for many addresses and takes none shuts out new clients for no longer.
const offerSure = 10 // s

// Allocate finds an address of a subnet for the client and reserves it as
// Offered. It takes O(1) at any fill. In order (RFC 2131 section 4.3.1): the
// client's own address (its active lease is returned as it is); hint, if free; the next never-used
// address; the longest-free one; an offer that timed out; an address kept for
// a former client, longest ago first; an expired lease not yet reclaimed; the
// oldest offer, if it is older than offerSure.
// pools are those the client may use; hint may be the zero Addr. False: full.
func (t *Txn) Allocate(subnet int, pools PoolMask, who *Client, hint netip.Addr, now int64) (View, bool) {
	n, sub := t.n, t.n.subnets[subnet]
	ref := n.own(sub, pools, who)
	if ref == 0 {
		ref = n.hinted(sub, pools, hint, now)
	}
	for pass := passNew; ref == 0 && pass < passes; pass++ {
		for i, p := range sub.pools {
			if pools.Has(i) {
				if ref = n.pick(p, pass, now); ref != 0 {
					break
				}
			}
		}
	}
	if ref == 0 {
		return View{}, false
	}
	if !n.bound(ref, who, now) {
		n.offer(ref, who, now+n.times.offer)
	}
	return t.view(ref, who), true
}

// own returns the client's slot in an allowed pool.
func (n *network) own(sub *subnet, pools PoolMask, who *Client) uint32 {
	ref := n.find(sub.index, who)
	if ref == 0 {
		return 0
	}
	if p := n.chunks[ref>>chunkBits].pool; p.index < 0 || !pools.Has(p.index) {
		return 0
	}
	return ref
}

// hinted returns the slot of the hint if it is free and in an allowed pool.
func (n *network) hinted(sub *subnet, pools PoolMask, hint netip.Addr, now int64) uint32 {
	addr, ok := toU32(hint)
	if !ok {
		return 0
	}
	p := n.poolOf(addr)
	if p == nil || p.subnet != sub || !pools.Has(p.index) {
		return 0
	}
	ref := n.touchPool(p, addr-p.first)
	s := n.slot(ref)
	if s.state() == Free || s.state() == Offered && int64(s.until) <= now && s.under() == Free {
		return ref
	}
	return 0
}

// Passes over the pools of a subnet: a later one only if none of them had an
// address for the one before.
const (
	passNew = iota
	passFree
	passOffers
	passFormer
	passExpired
	passOldOffers
	passes
)

// pick returns a slot of the pool, 0 if it has none of this kind.
func (n *network) pick(p *pool, pass int, now int64) uint32 {
	switch pass {
	case passNew:
		return n.unused(p)
	case passFree:
		return p.lists[listFree]
	case passOffers:
		return n.timedOut(p, now, now)
	case passFormer:
		return p.lists[listFormer]
	case passExpired:
		n.advance(p, now, expiredLook)
		if ref := p.lists[listExpired]; ref != 0 && n.slot(ref).ends() <= now {
			return ref
		}
	case passOldOffers:
		if ref := n.timedOut(p, now, now+max(n.times.offer-offerSure, 0)); ref != 0 {
			return ref
		}
		return p.lists[listFormer] // beneath an offer that gave way
	}
	return 0
}

// timedOut returns an offer that is over at some time and hides no lease. Those
// that do hide one give way to it, which a later pass may find.
func (n *network) timedOut(p *pool, now, at int64) uint32 {
	for range expiredLook {
		ref := p.lists[listOffers]
		if ref != 0 && n.curtail(p, ref, now) {
			continue
		}
		if ref == 0 || int64(n.slot(ref).until) > at {
			return 0
		}
		if n.slot(ref).under() == Free {
			return ref
		}
		n.unoffer(ref)
	}
	return 0
}

// curtail makes an offer that would last longer than any made now end like those,
// and tells whether it did. The list of offers is in the order of their ends as
// long as all are made for an equal time by one clock; this is for when that time
// was shortened or the clock went back.
func (n *network) curtail(p *pool, ref uint32, now int64) bool {
	latest := now + n.times.offer
	if int64(n.slot(ref).until) <= latest {
		return false
	}
	n.unlink(p, ref)
	n.slot(ref).until = uint32(latest)
	n.push(p, listOffers, ref)
	return true
}

// unused returns the first never-used slot. The cursor only moves forward;
// chunks that are used up are stepped over whole.
func (n *network) unused(p *pool) uint32 {
	for size := p.size(); p.cursor < size; {
		ref := p.base + p.cursor
		c := n.chunks[ref>>chunkBits]
		if c == nil {
			return n.touchPool(p, p.cursor)
		}
		if c.used == len(c.slots) {
			p.cursor = p.cursor&^(chunkSlots-1) + uint32(len(c.slots))
			continue
		}
		if s := n.slot(ref); s.state() == Free && s.list == listNone {
			return ref
		}
		p.cursor++
	}
	return 0
}
