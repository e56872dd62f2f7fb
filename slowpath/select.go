package slowpath

import "needletail/internal/frame"

// selector is what subnet selection looks at.
type selector struct {
	chosen  frame.IP // by RFC 3527 or RFC 3011, zero if neither
	giaddr  frame.IP
	ciaddr  frame.IP
	src     frame.IP
	dst     frame.IP
	iface   *iface // nil: unknown
	classes classSet
}

// selectorOf collects it. Link selection (RFC 3527) wins over the subnet
// selection option (RFC 3011), as in Kea (cfg_subnets4.cc, initSelector).
func selectorOf(p *plan, q *frame.Query, m *message, classes classSet) selector {
	chosen := m.agent.link
	if chosen == anyAddress {
		chosen = m.addrOption(optSubnetSelection)
	}
	return selector{
		chosen: chosen, giaddr: m.giaddr(), ciaddr: m.ciaddr(),
		src: q.Link.Src, dst: q.Link.Dst, iface: p.byIndex[q.IfIndex], classes: classes,
	}
}

// selectSubnet finds the client's subnet, nil if there is none, in the order of
// Kea (cfg_subnets4.cc, selectSubnet): the subnet chosen by option; for a
// relayed query the subnets that name the relay, then the one giaddr lies in;
// else the one of ciaddr or the source address, unless the query was broadcast;
// else those that name the interface, then the one its address lies in.
func (p *plan) selectSubnet(s *selector) *subnet {
	if s.chosen != anyAddress {
		return p.holding(s.chosen, s.classes)
	}
	if s.giaddr != anyAddress {
		if sub := firstAdmitting(p.byRelay[s.giaddr], s.classes); sub != nil {
			return sub
		}
		return p.holding(s.giaddr, s.classes)
	}
	unicast := s.dst != allBroadcast
	switch {
	case unicast && s.ciaddr != anyAddress:
		return p.holding(s.ciaddr, s.classes)
	case unicast && s.src != anyAddress:
		return p.holding(s.src, s.classes)
	case s.iface == nil:
		return nil
	}
	if sub := firstAdmitting(s.iface.subnets, s.classes); sub != nil {
		return sub
	}
	return p.holding(s.iface.addr, s.classes)
}

// holding returns the first subnet that holds a and admits the classes.
func (p *plan) holding(a frame.IP, classes classSet) *subnet {
	if a == anyAddress {
		return nil
	}
	s := p.containing(number(a), 0)
	for s != nil && !s.admits(classes) {
		s = p.containing(number(a), s.id)
	}
	return s
}

func firstAdmitting(list []*subnet, classes classSet) *subnet {
	for _, s := range list {
		if s.admits(classes) {
			return s
		}
	}
	return nil
}
