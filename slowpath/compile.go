package slowpath

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/internal/scope"
	"needletail/leases"
)

// compiler builds one plan.
type compiler struct {
	cfg  *config.Dhcp4
	plan *plan
}

func (c *compiler) run(ifs []Interface) (*plan, error) {
	p, cfg := c.plan, c.cfg
	if len(cfg.HA) > scope.RelationshipsMax {
		text := fmt.Sprintf("%d HA relationships: at most %d are possible", len(cfg.HA), scope.RelationshipsMax)
		return nil, config.Problems{{At: cfg.HA[scope.RelationshipsMax].At, Text: text}}
	}
	p.relationships = len(cfg.HA)
	checks, err := leases.ParseLeaseChecks(cfg.SanityChecks)
	if err != nil {
		return nil, err
	}
	p.checks = checks
	p.probation = seconds(cfg.DeclineProbation)
	p.echoClientID, p.authoritative = cfg.EchoClientID, cfg.Authoritative
	p.udp, p.routed = cfg.Interfaces.UDP, cfg.Interfaces.OutboundRoute
	if cfg.Expired.FlushReclaimedTimerWait > 0 {
		p.affinity = cfg.Expired.HoldReclaimed
	}
	for i, n := range cfg.Networks {
		if err := c.network(i, n); err != nil {
			return nil, err
		}
	}
	c.indexSubnets()
	c.indexInterfaces(ifs)
	return p, nil
}

func (c *compiler) network(i int, from *config.Network) error {
	n := &network{index: i}
	guard, err := c.plan.bits.guard(from.ClientClasses, from.At)
	if err != nil {
		return err
	}
	for j, s := range from.Subnets {
		sub, err := c.subnet(s, from)
		if err != nil {
			return err
		}
		sub.net, sub.index, sub.guards[0] = n, j, guard
		n.subnets = append(n.subnets, sub)
		c.plan.subnets = append(c.plan.subnets, sub)
		c.relays(sub, s, from)
	}
	c.plan.networks = append(c.plan.networks, n)
	return nil
}

func (c *compiler) subnet(from *config.Subnet, net *config.Network) (*subnet, error) {
	mask := maskOf(from.Prefix.Bits())
	s := &subnet{
		id: from.ID, mask: mask, addr: addrNumber(from.Prefix.Addr()) & mask,
		life:          compileLifetimes(from.Lifetime),
		cacheFraction: from.Cache.Threshold, cacheMaxAge: seconds(from.Cache.MaxAge),
		siaddr: ipOf(addrNumber(from.Boot.NextServer)), sname: from.Boot.ServerHostname, file: from.Boot.FileName,
		authoritative: from.Authoritative, matchClientID: from.MatchClientID, extended: from.StoreExtended,
		relationship: c.relationship(from.HAServerName),
	}
	c.plan.offerHold = max(c.plan.offerHold, from.OfferLifetime)
	var err error
	if s.guards[1], err = c.plan.bits.guard(from.ClientClasses, from.At); err != nil {
		return nil, err
	}
	levels := [][]config.Option{from.Options, net.Options, c.cfg.Options}
	s.chain = c.chain(levels)
	for _, p := range from.Pools {
		guard, err := c.plan.bits.guard(p.ClientClasses, p.At)
		if err != nil {
			return nil, err
		}
		chain := s.chain
		if len(p.Options) > 0 {
			chain = c.chain(append([][]config.Option{p.Options}, levels...))
		}
		s.guarded = s.guarded || guard != 0
		whole := pool{id: p.ID, first: addrNumber(p.First), last: addrNumber(p.Last), guard: guard, chain: chain}
		if err := c.split(s, whole, c.balanced(from.HAServerName), p.At); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// relationship finds the relationship one of whose peers has this name.
func (c *compiler) relationship(server string) int16 {
	for i, r := range c.cfg.HA {
		for _, p := range r.Peers {
			if p.Name == server {
				return int16(i)
			}
		}
	}
	return -1
}

// relays notes the relay addresses of a subnet; a subnet without its own has
// its network's (Kea: cfg_subnets4.cc, selectSubnet).
func (c *compiler) relays(s *subnet, from *config.Subnet, net *config.Network) {
	addrs := from.Relay
	if len(addrs) == 0 {
		addrs = net.Relay
	}
	for _, a := range addrs {
		ip := ipOf(addrNumber(a))
		c.plan.byRelay[ip] = append(c.plan.byRelay[ip], s)
	}
}

func (c *compiler) indexSubnets() {
	p := c.plan
	byID := func(a, b *subnet) int { return cmp.Compare(a.id, b.id) }
	slices.SortFunc(p.subnets, byID)
	for _, list := range p.byRelay {
		slices.SortFunc(list, byID)
	}
	for _, s := range p.subnets {
		i := slices.IndexFunc(p.byPrefix, func(t prefixTable) bool { return t.mask == s.mask })
		if i < 0 {
			i = len(p.byPrefix)
			p.byPrefix = append(p.byPrefix, prefixTable{mask: s.mask, at: map[uint32][]*subnet{}})
		}
		p.byPrefix[i].at[s.addr] = append(p.byPrefix[i].at[s.addr], s)
	}
}

func (c *compiler) indexInterfaces(ifs []Interface) {
	for _, from := range ifs {
		i := &iface{}
		for _, a := range from.Addrs {
			ip := ipOf(addrNumber(a))
			if i.addr == anyAddress {
				i.addr = ip
			}
			c.plan.serverIDs[ip] = true
		}
		for _, s := range c.cfg.Subnets {
			if s.Interface == from.Name || s.Interface == "" && s.Network != nil && s.Network.Interface == from.Name {
				i.subnets = append(i.subnets, c.compiled(s.ID))
			}
		}
		c.plan.byIndex[from.Index] = i
	}
}

func (c *compiler) compiled(id uint32) *subnet {
	i, _ := slices.BinarySearchFunc(c.plan.subnets, id, func(s *subnet, id uint32) int { return cmp.Compare(s.id, id) })
	return c.plan.subnets[i]
}

// seconds converts a duration to whole seconds, longest 2^32-2.
func seconds(d time.Duration) uint32 {
	return uint32(min(max(int64(d/time.Second), 0), math.MaxUint32-1))
}

// noteServerID makes a configured server identifier one of ours.
func (c *compiler) noteServerID(id frame.IP) {
	if id != anyAddress {
		c.plan.serverIDs[id] = true
	}
}
