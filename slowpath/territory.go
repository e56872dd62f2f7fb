package slowpath

import "net/netip"

// Territory says which relationship a query belongs to, as far as that follows
// from addresses alone: what the kernel needs to judge without user space. What
// depends on more, such as a class, is left out.
type Territory struct {
	Prefixes   map[netip.Prefix]int // of giaddr, else of ciaddr in a unicast query; the longest wins
	Interfaces map[int]int          // by index, for queries with neither
}

// Territory returns the present one, by the rules of selectSubnet.
func (e *Engine) Territory() Territory {
	p := e.plan.Load()
	t := Territory{Prefixes: map[netip.Prefix]int{}, Interfaces: map[int]int{}}
	for _, s := range p.subnets {
		if p.certain(s) {
			t.Prefixes[netip.PrefixFrom(netAddr(s.addr), prefixLen(s.mask))] = int(s.relationship)
		}
	}
	for relay, list := range p.byRelay {
		if p.containing(number(relay), 0) == nil && list[0].open() {
			t.Prefixes[netip.PrefixFrom(netAddr(number(relay)), 32)] = int(list[0].relationship)
		}
	}
	for index, i := range p.byIndex {
		if s := p.firstOf(i); s != nil && s.open() {
			t.Interfaces[index] = int(s.relationship)
		}
	}
	return t
}

// Relationships returns how many HA relationships are configured.
func (e *Engine) Relationships() int { return e.plan.Load().relationships }

// open tells whether a subnet admits every client and has a relationship.
func (s *subnet) open() bool { return s.guards == [2]classSet{} && s.relationship >= 0 }

// certain tells whether every address in the subnet's prefix means the subnet's
// relationship, both as giaddr and as ciaddr.
func (p *plan) certain(s *subnet) bool {
	if !s.open() {
		return false
	}
	for _, o := range p.subnets {
		overlaps := o.contains(s.addr) || s.contains(o.addr)
		if overlaps && (!o.open() || o.relationship != s.relationship) {
			return false
		}
	}
	for relay, list := range p.byRelay {
		if s.contains(number(relay)) && (!list[0].open() || list[0].relationship != s.relationship) {
			return false
		}
	}
	return true
}

// firstOf returns the subnet of a query that neither a relay nor an address
// places, for a client that every guard admits.
func (p *plan) firstOf(i *iface) *subnet {
	if len(i.subnets) > 0 {
		return i.subnets[0]
	}
	if i.addr == anyAddress {
		return nil
	}
	return p.containing(number(i.addr), 0)
}
