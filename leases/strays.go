package leases

import (
	"fmt"
	"maps"
	"slices"
)

// A stray is a lease recorded under the id of another subnet than its address's
// home: ids changed, often because they are left out of the configuration and
// a subnet was put in front of others. What a client was promised is an address,
// so the lease lives in the subnet that has the address now, in every mode:
// nobody else gets it, and its client keeps it. The modes differ in what becomes
// of the record on disk.

// LeaseChecks is what Configure does about strays (Kea: sanity-checks,
// lease-checks).
type LeaseChecks uint8

// LeaseChecks, in Kea's words.
const (
	ChecksNone   LeaseChecks = iota // the record stays until the lease changes
	ChecksWarn                      // the same, and the log tells
	ChecksFix                       // it is written anew, under the id of the subnet that has the address
	ChecksFixDel                    // the same; if no subnet has the address it is deleted
	ChecksDel                       // the lease is deleted, and its address free; but as with fix if the subnet it is recorded under has the address too
)

var checkNames = [...]string{"none", "warn", "fix", "fix-del", "del"}

// String returns Kea's word.
func (c LeaseChecks) String() string { return checkNames[c] }

// ParseLeaseChecks reads Kea's word.
func ParseLeaseChecks(name string) (LeaseChecks, error) {
	if i := slices.Index(checkNames[:], name); i >= 0 {
		return LeaseChecks(i), nil
	}
	return 0, fmt.Errorf("lease checks %q: want none, warn, fix, fix-del or del", name)
}

// SetLeaseChecks says what the next Configure does about strays.
func (s *Store) SetLeaseChecks(c LeaseChecks) {
	s.admin.Lock()
	defer s.admin.Unlock()
	s.checks = c
}

// census is what one Configure found.
type census struct {
	strays, homeless int     // leases in another subnet than recorded, and in none
	doomed           []place // records that are to be deleted
}

// house puts a stored lease in the subnet that is its home; without one it becomes
// an orphan.
func (s *Store) house(l *layout, at place, r *record, durable bool, c *census) {
	p := l.home(at)
	if p == nil {
		s.orphan(at, r, durable, c)
		return
	}
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.net.house(at, r, durable, c)
}

func (s *Store) orphan(at place, r *record, durable bool, c *census) {
	c.homeless++
	if s.checks >= ChecksFixDel {
		c.doomed = append(c.doomed, at)
		return
	}
	s.orphans[at] = orphan{string(r.append(nil)), r.promise, durable}
}

// house puts a stored lease in its slot, unless a newer one of the address is
// there. Of two records the older is good for nothing once the newer is on disk.
func (n *network) house(at place, r *record, durable bool, c *census) {
	if ref := n.lookup(at.addr); ref != 0 && n.kept(ref) {
		sl := n.slot(ref)
		if sl.seq > r.seq {
			if r.seq != 0 && sl.flags&flagDurable != 0 {
				c.doomed = append(c.doomed, at)
			}
			return
		}
		if was, ok := n.strays[at.addr]; ok && was != at.subnet && durable {
			c.doomed = append(c.doomed, place{was, at.addr})
		}
	}
	delete(n.strays, at.addr)
	ref := n.restore(at.addr, r, durable)
	if n.recordedUnder(ref) == at.subnet {
		return
	}
	c.strays++
	if n.strays == nil {
		n.strays = map[uint32]uint32{}
	}
	n.strays[at.addr] = at.subnet
}

// recordedUnder returns the subnet id in the key of a slot's record.
func (n *network) recordedUnder(ref uint32) uint32 {
	if id, ok := n.strays[n.addr(ref)]; ok {
		return id
	}
	return n.chunks[ref>>chunkBits].pool.subnet.id
}

// unstray has the record under a former subnet id deleted, the address having a
// newer one on disk, or none.
func (s *Store) unstray(n *network, addr uint32) {
	id, ok := n.strays[addr]
	if !ok {
		return
	}
	delete(n.strays, addr)
	if s.disk != nil {
		s.disk.oweDeletion(place{id, addr}, s.seq.Add(1))
	}
}

// report tells of strays, once a Configure.
func (s *Store) report(c *census) {
	if s.checks == ChecksNone || c.strays+c.homeless == 0 {
		return
	}
	s.o.Log.Warn("lease database: leases are recorded under ids of subnets that do not have their addresses; give every subnet an id of its own and keep it",
		"in-other-subnets", c.strays, "in-no-subnet", c.homeless, "lease-checks", s.checks)
}

// mendStrays does to the records on disk what the checks ask for. If the disk fails,
// the next start finds the strays again.
func (s *Store) mendStrays(c *census) error {
	var b Batch
	if s.checks >= ChecksFix {
		for _, n := range s.layout.Load().nets {
			if err := s.mendNetwork(n, &b); err != nil {
				return err
			}
		}
	}
	if s.disk == nil {
		return nil
	}
	for doomed := range slices.Chunk(c.doomed, commitChangesMax) {
		for _, at := range doomed {
			b.add(Delete, true, at.subnet, at.addr, &record{seq: s.seq.Add(1)})
		}
		if err := s.flush(&b); err != nil {
			return err
		}
	}
	return nil
}

// mendNetwork writes the strays of a network anew, or deletes them.
func (s *Store) mendNetwork(n *network, b *Batch) error {
	n.mu.Lock()
	strays := slices.Collect(maps.Keys(n.strays))
	n.mu.Unlock()
	for some := range slices.Chunk(strays, commitChangesMax) {
		n.mu.Lock()
		for _, addr := range some {
			s.mendStray(n, b, addr)
		}
		n.mu.Unlock()
		if err := s.flush(b); err != nil {
			return err
		}
	}
	return nil
}

// mendStray leaves alone what is not settled: its client may have been told of
// more than the slot has, and its next request writes it anyway.
func (s *Store) mendStray(n *network, b *Batch, addr uint32) {
	ref := n.lookup(addr)
	switch {
	case ref == 0 || !n.kept(ref):
	case s.checks == ChecksDel && !s.layout.Load().within(place{n.strays[addr], addr}):
		s.erase(n, b, true, ref)
	case n.slot(ref).flags&flagDurable != 0:
		told := n.slot(ref).flags & flagTold
		s.note(n, b, Put, true, ref)
		n.slot(ref).flags |= told
	}
}

func (s *Store) flush(b *Batch) error {
	defer b.Reset()
	return s.Write(b)
}
