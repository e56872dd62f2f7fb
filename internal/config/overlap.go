package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// identify gives subnets without an id the first free ones from 1, in the
// order of the file: before Kea 3.0 the id could be left out, and 0 meant the
// same.
func (c *checker) identify(subnets []*subnetDraft) {
	used := make(map[int64]*node)
	for _, s := range subnets {
		switch first := used[s.id.value]; {
		case s.id.value == 0:
		case first != nil:
			c.fail(s.id.at, "subnet id %d is used already in line %d, give another", s.id.value, first.position(c.src).Line)
		default:
			used[s.id.value] = s.id.at
		}
	}
	next := int64(1)
	for _, s := range subnets {
		if s.id.value != 0 {
			continue
		}
		for used[next] != nil {
			next++
		}
		s.id = given(next, s.at)
		used[next] = s.at
	}
}

// unique: a prefix stands for one subnet (Kea: cfg_subnets4.cc, add). One
// subnet within another is allowed.
func (c *checker) unique(subnets []*Subnet) {
	seen := make(map[netip.Prefix]*Subnet, len(subnets))
	for _, s := range subnets {
		if first := seen[s.Prefix]; first != nil {
			c.wrong(later(s.At, first.At), "subnet %s is defined twice, see line %d; remove one", s.Prefix, min(first.At.Line, s.At.Line))
			continue
		}
		seen[s.Prefix] = s
	}
}

func later(a, b Position) Position {
	if b.File == a.File && (b.Line > a.Line || b.Line == a.Line && b.Column > a.Column) {
		return b
	}
	return a
}

// overlaps: an address is in one pool at most, over all subnets. Kea only
// looks within a subnet; two pools of one address would promise it twice.
func (c *checker) overlaps(subnets []*Subnet) {
	var pools []*Pool
	for _, s := range subnets {
		pools = append(pools, s.Pools...)
	}
	slices.SortStableFunc(pools, func(a, b *Pool) int { return a.First.Compare(b.First) })
	for i := 1; i < len(pools); i++ {
		a, b := pools[i-1], pools[i]
		if a.Last.Less(b.First) {
			continue
		}
		at, other := later(a.At, b.At), a
		if at == a.At {
			other = b
		}
		c.wrong(at, "the pool overlaps the pool %s - %s in line %d, separate them", other.First, other.Last, other.At.Line)
		if b.Last.Less(a.Last) {
			pools[i] = a // the longer one may meet the next as well
		}
	}
}

// served compares names of servers given elsewhere with the peers. In a hub
// every ha-server-name must be one; with one relationship Kea looks at it
// during sync only.
func (c *checker) served(d *Dhcp4) {
	if len(d.HA) == 0 {
		return
	}
	for _, s := range d.Subnets {
		if s.HAServerName != "" && d.Relationship(s.HAServerName) == nil {
			c.wrong(s.At, "ha-server-name %q is not the name of a peer of any relationship, correct it", s.HAServerName)
		}
		for _, p := range s.Pools {
			c.guarded(d, p.ClientClasses, p.At)
		}
		c.guarded(d, s.ClientClasses, s.At)
	}
	for _, net := range d.Networks {
		c.guarded(d, net.ClientClasses, net.At)
	}
}

// guarded warns of a guard that only a stranger's clients would pass. Kea takes
// it too, and never uses what it guards.
func (c *checker) guarded(d *Dhcp4, classes []string, at Position) {
	for _, class := range classes {
		if server, ok := strings.CutPrefix(class, "HA_"); ok && d.Relationship(server) == nil {
			c.say(&c.warnings, Problem{at, fmt.Sprintf("no client is ever in class %s: %q is not the name of a peer", class, server)})
		}
	}
}

// Relationship finds the relationship that a peer belongs to, nil if none.
func (d *Dhcp4) Relationship(peer string) *Relationship {
	for _, r := range d.HA {
		if r.peer(peer) != nil {
			return r
		}
	}
	return nil
}
