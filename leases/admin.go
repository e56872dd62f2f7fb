package leases

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"
)

// What administrators, partners and files ask for. Each call takes the locks it
// needs, one network at a time; it may allocate.

// Get returns the lease of an address.
func (s *Store) Get(addr netip.Addr) (Lease, bool) {
	s.admin.RLock()
	defer s.admin.RUnlock()
	p, ref := s.locate(addr)
	if ref == 0 {
		return Lease{}, false
	}
	defer p.net.mu.Unlock()
	return p.net.lease(ref), true
}

// locate finds the kept lease of an address and leaves its network locked; ref
// is 0, and nothing locked, if there is none.
func (s *Store) locate(addr netip.Addr) (*subnetPlace, uint32) {
	u, ok := toU32(addr)
	if !ok {
		return nil, 0
	}
	return s.layout.Load().locate(u)
}

// lease returns the lease of a slot that is kept.
func (n *network) lease(ref uint32) Lease {
	r := n.recordOf(ref)
	return r.lease(n.chunks[ref>>chunkBits].pool.subnet.id, n.addr(ref))
}

// ByHW returns the leases of a hardware address; htype 0 is any type.
func (s *Store) ByHW(htype uint8, hw []byte) []Lease {
	return s.filter(nil, func(n *network, sl *slot) bool {
		return (htype == 0 || sl.htype == htype) && bytes.Equal(n.hw(sl), hw)
	})
}

// ByClientID returns the leases of a client id.
func (s *Store) ByClientID(id []byte) []Lease {
	return s.filter(nil, func(n *network, sl *slot) bool { return sl.idLen != 0 && bytes.Equal(n.id(sl), id) })
}

// ByHostname returns the leases of a hostname.
func (s *Store) ByHostname(name string) []Lease {
	name = lowerASCII(name)
	return s.filter(nil, func(n *network, sl *slot) bool {
		host, _ := n.extra(sl)
		return len(host) > 0 && string(host) == name
	})
}

// ByState returns the leases in a state, of one subnet or, with 0, of all.
func (s *Store) ByState(state State, subnetID uint32) []Lease {
	var only []uint32
	if subnetID != 0 {
		only = []uint32{subnetID}
	}
	return s.filter(only, func(_ *network, sl *slot) bool {
		return sl.state() == state || sl.state() == Offered && sl.under() == state
	})
}

// All returns every lease of the given subnets, or of all of them.
func (s *Store) All(subnets ...uint32) []Lease {
	return s.filter(subnets, func(*network, *slot) bool { return true })
}

// stepSlots bounds the slots looked at under one hold of a network's lock.
const stepSlots = 4 * chunkSlots

// filter returns the kept leases that match, of the given subnets or of all.
// It looks at every slot, chunk by chunk, and lets packets in between.
func (s *Store) filter(subnets []uint32, match func(*network, *slot) bool) []Lease {
	s.admin.RLock()
	defer s.admin.RUnlock()
	want := map[uint32]bool{}
	for _, id := range subnets {
		want[id] = true
	}
	var out []Lease
	for _, n := range s.layout.Load().nets {
		n.steps(func(c *chunk, ref uint32) {
			if len(subnets) > 0 && !want[c.pool.subnet.id] {
				return
			}
			if n.kept(ref) && match(n, n.slot(ref)) {
				out = append(out, n.lease(ref))
			}
		})
	}
	return out
}

// steps calls f under the lock for every touched slot, and lets go of the lock
// every stepSlots slots.
func (n *network) steps(f func(c *chunk, ref uint32)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	held := 0
	for i := 0; i < len(n.chunks); i++ {
		c := n.chunks[i]
		if c == nil {
			continue
		}
		for k := range c.slots {
			f(c, uint32(i)<<chunkBits|uint32(k))
		}
		if held += len(c.slots); held >= stepSlots {
			n.mu.Unlock()
			n.mu.Lock()
			held = 0
		}
	}
}

// Put overwrites the lease of an address whatever it was (a partner's update,
// lease4-update). Where another subnet has the address in a pool, or has a lease of
// it, the lease becomes that subnet's. The batch is submitted by the caller.
func (s *Store) Put(b *Batch, l *Lease) (existed bool, err error) {
	_, existed, err = s.put(b, l, func(*network, uint32) bool { return true })
	return existed, err
}

// PutUnless is Put, unless refuse says otherwise of the lease there is; ours is
// true if a query made its latest change, not a partner or an administrator. It
// tells whether the lease was written; a query's change not settled yet is
// overtaken then, see Settle. refuse runs under the network's lock and must not
// call the store.
func (s *Store) PutUnless(b *Batch, l *Lease, refuse func(have *Lease, ours bool) bool) (bool, error) {
	done, _, err := s.put(b, l, func(n *network, ref uint32) bool {
		have := n.lease(ref)
		return !refuse(&have, n.slot(ref).flags&flagTold == 0)
	})
	return done, err
}

// Merge takes over a lease met in a sync if there is none here, or if over
// agrees to lose the one there is (see Supersedes). It tells whether it did. over runs
// under the network's lock and must not call the store.
func (s *Store) Merge(b *Batch, l *Lease, over func(have, got *Lease, by Source) bool) (bool, error) {
	done, _, err := s.put(b, l, func(n *network, ref uint32) bool {
		have, sl := n.lease(ref), n.slot(ref)
		return over(&have, l, Source{Ours: sl.flags&flagTold == 0, Untold: n.untold(sl, s.o.Clock.Now().Unix())})
	})
	return done, err
}

// Source tells who made the latest change of a lease.
type Source struct {
	Ours   bool // a query, not a partner or an administrator
	Untold bool // a query whose client has no answer, nor one before that holds yet
}

// Supersedes tells whether a lease met in a sync is better than what we have:
// ours has an older client last transaction time, or nobody was told of it. A
// query's change that a partner refused, or has not answered yet, yields to the
// partner's own client, however young it is.
func Supersedes(have, got *Lease, by Source) bool {
	return have.CLTT.Unix() < got.CLTT.Unix() || by.Untold && got.State == Active && !SameClient(have, got)
}

// SameClient compares as leases are found: by client identifier where both have
// one, else by hardware address.
func SameClient(a, b *Lease) bool {
	if len(a.ClientID) != 0 && len(b.ClientID) != 0 {
		return bytes.Equal(a.ClientID, b.ClientID)
	}
	return len(a.HW) != 0 && a.HType == b.HType && bytes.Equal(a.HW, b.HW)
}

// untold tells whether a lease is a query's that is not settled: its client has no
// answer yet, and gets none if the lease becomes another's (Settle). The client of a
// renewal has the answer before, as long as that holds.
func (n *network) untold(s *slot, now int64) bool {
	vouched := s.flags&flagVouched != 0 && fromShort(s.until) > now
	return s.state() == Active && s.flags&(flagDurable|flagTold) == 0 && !vouched
}

// put writes a lease if there is none yet or over agrees to lose it.
func (s *Store) put(b *Batch, l *Lease, over func(*network, uint32) bool) (done, existed bool, err error) {
	r, err := fromLease(l)
	if err != nil {
		return false, false, err
	}
	addr, ok := toU32(l.Addr)
	s.admin.RLock()
	defer s.admin.RUnlock()
	lay, at := s.layout.Load(), place{l.SubnetID, addr}
	p := lay.bySubnet[at.subnet]
	switch {
	case p == nil:
		return false, false, fmt.Errorf("lease %v: %w: %d", l.Addr, ErrNoSubnet, l.SubnetID)
	case !ok || !lay.within(at):
		return false, false, fmt.Errorf("lease %v: %w %d (%v)", l.Addr, ErrNotInSubnet, l.SubnetID, p.sub.prefix)
	}
	if p = lay.home(at); !p.pools(addr) {
		// Where the first lease of such an address is written, its home is. Of two
		// writes at once that name different subnets, the second must see the first's.
		s.homing.Lock()
		defer s.homing.Unlock()
		p = lay.home(at)
	}
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	ref := p.net.touch(addr)
	existed = p.net.kept(ref)
	if existed && !over(p.net, ref) {
		return false, true, nil
	}
	if r.state == Active {
		who := NewClient(r.htype, r.hw, r.id)
		r.promise = p.net.promise(p.net.slot(ref), &who)
	}
	p.net.set(addr, &r)
	s.note(p.net, b, Put, false, ref)
	p.net.slot(ref).flags |= flagTold
	return true, existed, nil
}

// Delete removes the lease of an address and returns what it was.
func (s *Store) Delete(b *Batch, addr netip.Addr) (Lease, bool) {
	return s.DeleteUnless(b, addr, func(*Lease, bool) bool { return false })
}

// DeleteUnless is Delete, unless refuse says otherwise of the lease there is;
// see PutUnless. False: nothing was removed.
func (s *Store) DeleteUnless(b *Batch, addr netip.Addr, refuse func(have *Lease, ours bool) bool) (Lease, bool) {
	return s.DeleteAt(b, addr, s.o.Clock.Now(), refuse)
}

// DeleteAt is DeleteUnless for a deletion that a partner made at a moment, which
// its tombstone keeps: one that says now would speak of what the address was
// leased for since. A moment to come is taken for now.
func (s *Store) DeleteAt(b *Batch, addr netip.Addr, at time.Time, refuse func(have *Lease, ours bool) bool) (Lease, bool) {
	s.admin.RLock()
	defer s.admin.RUnlock()
	p, ref := s.locate(addr)
	if ref == 0 {
		return Lease{}, false
	}
	defer p.net.mu.Unlock()
	l := p.net.lease(ref)
	if refuse(&l, p.net.slot(ref).flags&flagTold == 0) {
		return Lease{}, false
	}
	s.eraseAt(p.net, b, false, ref, min(at.Unix(), s.o.Clock.Now().Unix()))
	return l, true
}

// Wipe removes all leases of a subnet, or with 0 of all subnets, and returns
// their number.
func (s *Store) Wipe(b *Batch, subnetID uint32) int {
	s.admin.RLock()
	defer s.admin.RUnlock()
	count := 0
	for _, n := range s.layout.Load().nets {
		n.steps(func(c *chunk, ref uint32) {
			if (subnetID == 0 || c.pool.subnet.id == subnetID) && n.kept(ref) {
				s.erase(n, b, false, ref)
				count++
			}
		})
	}
	return count
}
