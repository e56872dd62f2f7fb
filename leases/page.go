package leases

import (
	"net/netip"
	"slices"
)

// Page returns up to limit leases after an address (exclusive; the zero Addr is
// the start) in the order of addresses: lease4-get-page.
func (s *Store) Page(from netip.Addr, limit int) []Lease { return s.Changed(0, from, limit) }

// Changed returns, in the order of addresses, up to limit leases after an
// address whose latest change number is above after. Together with Deleted it
// is all that a partner missed since it saw number after; read Seq before the
// first page, and it is the number to ask with next time.
func (s *Store) Changed(after uint64, from netip.Addr, limit int) []Lease {
	start, ok := toU32(from)
	if ok {
		if start++; start == 0 {
			return nil
		}
	}
	s.admin.RLock()
	defer s.admin.RUnlock()
	var out []Lease
	for _, r := range s.layout.Load().ranges() {
		if len(out) >= limit {
			break
		}
		if r.last >= start {
			out = r.page(out, max(start, r.first), after, limit)
		}
	}
	return out
}

// span is a run of addresses of one network: a pool, or what lies between pools.
type span struct {
	net         *network
	pool        *pool // nil: addresses outside pools
	first, last uint32
}

// ranges cuts the address space into spans, in order. Subnets of different
// networks that overlap are all looked at.
func (l *layout) ranges() []span {
	var cuts []span
	for _, n := range l.nets {
		for _, p := range n.pools {
			cuts = append(cuts, span{n, p, p.first, p.last})
		}
	}
	slices.SortFunc(cuts, func(a, b span) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	var out []span
	next := uint64(0)
	for _, c := range cuts {
		if uint64(c.first) > next {
			out = l.gaps(out, uint32(next), c.first-1)
		}
		out = append(out, c)
		next = max(next, uint64(c.last)+1)
	}
	if next <= 1<<32-1 {
		out = l.gaps(out, uint32(next), 1<<32-1)
	}
	return out
}

// gaps appends the networks that have leases outside pools; a gap with several
// such networks is cut at each of their addresses.
func (l *layout) gaps(out []span, first, last uint32) []span {
	var all []span
	for _, n := range l.nets {
		n.mu.Lock()
		sorted := n.outsideSorted()
		i, _ := slices.BinarySearch(sorted, first)
		for ; i < len(sorted) && sorted[i] <= last; i++ {
			all = append(all, span{n, nil, sorted[i], sorted[i]})
		}
		n.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b span) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	return append(out, all...)
}

// outsideSorted returns the addresses outside pools in order, cached.
func (n *network) outsideSorted() []uint32 {
	if n.byAddr == nil && len(n.outside) > 0 {
		for a := range n.outside {
			n.byAddr = append(n.byAddr, a)
		}
		slices.Sort(n.byAddr)
	}
	return n.byAddr
}

// page appends the span's leases from start on.
func (r span) page(out []Lease, start uint32, after uint64, limit int) []Lease {
	n := r.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.pool == nil {
		if ref := n.lookup(start); ref != 0 && n.wanted(ref, after) {
			out = append(out, n.lease(ref))
		}
		return out
	}
	held := 0
	for off := uint64(start - r.pool.first); off < uint64(r.pool.size()) && len(out) < limit; {
		ref := r.pool.base + uint32(off)
		if n.chunks[ref>>chunkBits] == nil {
			off = off&^(chunkSlots-1) + chunkSlots
			continue
		}
		if n.wanted(ref, after) {
			out = append(out, n.lease(ref))
		}
		off++
		if held++; held >= stepSlots {
			n.mu.Unlock()
			n.mu.Lock()
			held = 0
		}
	}
	return out
}

func (n *network) wanted(ref uint32, after uint64) bool {
	return n.kept(ref) && n.slot(ref).seq > after
}
