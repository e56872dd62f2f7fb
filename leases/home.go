package leases

import (
	"iter"
	"math/bits"
	"net/netip"
	"slices"
)

// Subnets may be nested, also those of different networks, while an address has
// one lease. So each address has a home, whatever id its lease is recorded under:
// the subnet with the pool that could give it to somebody, which is one at most
// (package config refuses pools that overlap). Other subnets have it only as long
// as no pool does.

// home returns the subnet where a lease recorded at a place lives: the one whose
// pool has the address; else the one that has a lease of it already; else the one
// it is recorded under; else any that has it. nil: none.
func (l *layout) home(at place) *subnetPlace {
	named := l.bySubnet[at.subnet]
	if named != nil && named.pools(at.addr) {
		return named
	}
	for p := range l.having(at.addr) {
		if p.pools(at.addr) {
			return p
		}
	}
	if p, ref := l.locate(at.addr); ref != 0 {
		p.net.mu.Unlock()
		return p
	}
	if l.within(at) {
		return named
	}
	return l.containing(at.addr)
}

// within tells whether the subnet of a place has its address, in a pool or not.
func (l *layout) within(at place) bool {
	p := l.bySubnet[at.subnet]
	return p != nil && p.sub.prefix.Contains(toAddr(at.addr))
}

// pools tells whether a pool of the subnet has the address.
func (p *subnetPlace) pools(addr uint32) bool {
	pool := p.net.poolOf(addr)
	return pool != nil && pool.subnet == p.sub
}

// containing returns the subnet with the smallest id that has an address.
func (l *layout) containing(addr uint32) (best *subnetPlace) {
	for p := range l.having(addr) {
		if best == nil || p.sub.id < best.sub.id {
			best = p
		}
	}
	return best
}

// locate finds the kept lease of an address and leaves its network locked; ref
// is 0, and nothing locked, if there is none.
func (l *layout) locate(addr uint32) (*subnetPlace, uint32) {
	for p := range l.having(addr) {
		p.net.mu.Lock()
		if ref := p.net.lookup(addr); ref != 0 && p.net.kept(ref) && p.net.chunks[ref>>chunkBits].pool.subnet == p.sub {
			return p, ref
		}
		p.net.mu.Unlock()
	}
	return nil, 0
}

// having yields the subnets that have an address, those with the shortest prefix
// first.
func (l *layout) having(addr uint32) iter.Seq[*subnetPlace] {
	a := toAddr(addr)
	return func(yield func(*subnetPlace) bool) {
		for m := l.lengths; m != 0; m &= m - 1 {
			prefix, _ := a.Prefix(bits.TrailingZeros64(m))
			for _, p := range l.byPrefix[prefix] {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// notePrefix makes a subnet known to having.
func (l *layout) notePrefix(p *subnetPlace) {
	prefix := netip.PrefixFrom(p.sub.prefix.Addr().Unmap(), p.sub.prefix.Bits()).Masked()
	l.lengths |= 1 << prefix.Bits()
	l.byPrefix[prefix] = append(l.byPrefix[prefix], p)
}

// territory is the addresses in pools, as ranges in order.
type territory []addressRange

type addressRange struct{ first, last uint32 }

func territoryOf(nets []Network) (all territory) {
	for _, n := range nets {
		for _, sn := range n.Subnets {
			for _, p := range sn.Pools {
				first, _ := toU32(p.First)
				last, _ := toU32(p.Last)
				all = append(all, addressRange{first, last})
			}
		}
	}
	slices.SortFunc(all, func(a, b addressRange) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	return all
}

func (t territory) has(addr uint32) bool {
	i, found := slices.BinarySearchFunc(t, addr, func(r addressRange, addr uint32) int {
		switch {
		case r.last < addr:
			return -1
		case r.first > addr:
			return 1
		}
		return 0
	})
	return found && t[i].last >= addr
}

// encroached tells whether a lease of the network on no pool's address is on one
// by now: on another network's, as its own pools are the same.
func (n *network) encroached(pools territory) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for addr := range n.outside {
		if pools.has(addr) {
			return true
		}
	}
	return false
}
