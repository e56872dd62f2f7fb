package leases

import (
	"hash/maphash"
	"net/netip"
	"sort"
	"sync"
)

// network is the leases of one shared network or stand-alone subnet. mu guards
// everything below it, the chunks, the arena and the index included; it is held
// for table work only.
type network struct {
	spec    Network
	subnets []*subnet
	pools   []*pool // of all subnets, by first address; fixed

	mu      sync.Mutex
	chunks  []*chunk // slot number >> chunkBits; nil: untouched
	slots   int      // in chunks of pools
	index   index
	ext     arena
	outside map[uint32]uint32 // addresses outside pools: slot number
	strays  map[uint32]uint32 // addresses whose record has another subnet's id: that id
	times   seconds
	scratch []byte
	byAddr  []uint32 // of outside, sorted; nil: stale. Only Page needs it
	seedHW  maphash.Seed
	seedID  maphash.Seed
}

// seconds is Times in the table's unit.
type seconds struct{ offer, affinity int64 }

// subnet is one subnet of a network.
type subnet struct {
	id      uint32
	prefix  netip.Prefix
	index   int
	pools   []*pool
	outside *pool // leases on no pool's address
	counts  [countKinds]int64
}

// pool is a range of addresses, or the addresses of a subnet outside all of them.
type pool struct {
	subnet      *subnet
	index       int // in the subnet; -1 outside
	id          uint32
	first, last uint32
	base        uint32 // slot number of first
	cursor      uint32 // no address before first+cursor was never used
	now         int64  // time of the wheel, unix s
	timed       int    // slots in the wheel
	expired     int    // slots in listExpired
	misplaced   int    // of those, at its head: may not be over since the clock went back
	lists       [listCount]uint32
}

// size is the number of addresses.
func (p *pool) size() uint32 { return p.last - p.first + 1 }

// newNetwork lays out the slots of a network. Slot 0 is never used.
func newNetwork(spec Network, now int64, times seconds) *network {
	n := &network{
		spec: spec, index: newIndex(), outside: map[uint32]uint32{}, times: times,
		seedHW: maphash.MakeSeed(), seedID: maphash.MakeSeed(), chunks: make([]*chunk, 1),
	}
	for i, sn := range spec.Subnets {
		sub := &subnet{id: sn.ID, prefix: sn.Prefix, index: i}
		sub.outside = &pool{subnet: sub, index: -1, now: now}
		for k, pl := range sn.Pools {
			p := &pool{subnet: sub, index: k, id: pl.ID, now: now}
			p.first, _ = toU32(pl.First)
			p.last, _ = toU32(pl.Last)
			p.base = uint32(len(n.chunks)) << chunkBits
			n.chunks = append(n.chunks, make([]*chunk, (uint64(p.size())+chunkSlots-1)>>chunkBits)...)
			sub.pools, n.pools = append(sub.pools, p), append(n.pools, p)
		}
		n.subnets = append(n.subnets, sub)
	}
	sort.Slice(n.pools, func(i, j int) bool { return n.pools[i].first < n.pools[j].first })
	return n
}

// slot returns a slot whose chunk exists.
func (n *network) slot(ref uint32) *slot {
	return &n.chunks[ref>>chunkBits].slots[ref&(chunkSlots-1)]
}

// at returns the slot and its pool's chunk.
func (n *network) at(ref uint32) (*slot, *chunk) {
	c := n.chunks[ref>>chunkBits]
	return &c.slots[ref&(chunkSlots-1)], c
}

// addr returns the address of a slot.
func (n *network) addr(ref uint32) uint32 {
	return n.chunks[ref>>chunkBits].addr(ref & (chunkSlots - 1))
}

// poolOf finds the pool that an address lies in.
func (n *network) poolOf(addr uint32) *pool {
	i, j := 0, len(n.pools) // the first pool that starts after addr
	for i < j {
		if h := (i + j) / 2; n.pools[h].first <= addr {
			i = h + 1
		} else {
			j = h
		}
	}
	if i == 0 || n.pools[i-1].last < addr {
		return nil
	}
	return n.pools[i-1]
}

// lookup returns the slot of an address if it was ever touched, else 0.
func (n *network) lookup(addr uint32) uint32 {
	p := n.poolOf(addr)
	if p == nil {
		return n.outside[addr]
	}
	ref := p.base + addr - p.first
	if n.chunks[ref>>chunkBits] == nil {
		return 0
	}
	return ref
}

// touch returns the slot of an address, making it if need be; 0 if the address
// lies in no subnet of the network.
func (n *network) touch(addr uint32) uint32 {
	if p := n.poolOf(addr); p != nil {
		return n.touchPool(p, addr-p.first)
	}
	if ref, ok := n.outside[addr]; ok {
		return ref
	}
	for _, sub := range n.subnets {
		if sub.prefix.Contains(toAddr(addr)) {
			return n.touchOutside(sub.outside, addr)
		}
	}
	return 0
}

// touchPool returns the slot at an offset of a pool.
func (n *network) touchPool(p *pool, offset uint32) uint32 {
	ref := p.base + offset
	if n.chunks[ref>>chunkBits] == nil {
		start := offset &^ (chunkSlots - 1)
		size := min(chunkSlots, p.size()-start)
		n.chunks[ref>>chunkBits] = &chunk{pool: p, first: p.first + start, slots: make([]slot, size)}
		n.slots += int(size)
	}
	return ref
}

// touchOutside takes a free slot for an address outside pools. The oldest free
// one is used again, under its new address.
func (n *network) touchOutside(p *pool, addr uint32) uint32 {
	ref := p.lists[listFree]
	if ref != 0 {
		n.unlink(p, ref)
		delete(n.outside, n.addr(ref))
		n.chunks[ref>>chunkBits].addrs[ref&(chunkSlots-1)] = addr
	} else {
		c := n.lastOutside(p)
		ref = p.base + uint32(len(c.slots))
		c.slots = append(c.slots, slot{})
		c.addrs = append(c.addrs, addr)
	}
	*n.slot(ref) = slot{}
	n.outside[addr] = ref
	n.byAddr = nil
	return ref
}

// lastOutside returns a chunk of the pool with room, p.base being its first slot.
func (n *network) lastOutside(p *pool) *chunk {
	if p.base != 0 && len(n.chunks[p.base>>chunkBits].slots) < chunkSlots {
		return n.chunks[p.base>>chunkBits]
	}
	c := &chunk{pool: p, slots: make([]slot, 0, 4), addrs: make([]uint32, 0, 4)}
	p.base = uint32(len(n.chunks)) << chunkBits
	n.chunks = append(n.chunks, c)
	return c
}

func (n *network) tagHW(htype uint8, hw []byte) uint32 {
	return uint32(maphash.Bytes(n.seedHW, hw)) + uint32(htype)*0x9e3779b1
}

func (n *network) tagID(id []byte) uint32 { return uint32(maphash.Bytes(n.seedID, id)) }

// enter and leave keep the index in step with the slot's client.
func (n *network) enter(ref uint32, s *slot) {
	if s.hlen != 0 {
		n.index.insert(n.tagHW(s.htype, n.hw(s)), ref, s.idLen == 0)
	}
	if s.idLen != 0 {
		n.index.insert(n.tagID(n.id(s)), ref, true)
	}
}

func (n *network) leave(ref uint32, s *slot) {
	if s.hlen != 0 {
		n.index.remove(n.tagHW(s.htype, n.hw(s)), ref)
	}
	if s.idLen != 0 {
		n.index.remove(n.tagID(n.id(s)), ref)
	}
}

// outsideBytes is what a lease outside pools takes: slot, address, map entry.
const outsideBytes = slotBytes + 4 + 16

// bytes is about the memory of the network's leases, without walking them.
func (n *network) bytes() int {
	return n.index.size + n.ext.bytes() + 8*len(n.chunks) + n.slots*slotBytes + len(n.outside)*outsideBytes
}
