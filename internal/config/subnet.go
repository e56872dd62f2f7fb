package config

import (
	"math"
	"net/netip"
	"slices"
	"strings"
)

// subnetDraft is one element of subnet4 as written.
type subnetDraft struct {
	level
	at             *node
	id             opt[int64]
	prefix         opt[netip.Prefix]
	iface          opt[string]
	relay          opt[[]netip.Addr]
	class, classes *node
	pools, options *node
	context        *node
}

var subnetTable = table[subnetDraft]{"subnet4[]", slices.Concat(
	[]key[subnetDraft]{
		number("id", 0, math.MaxUint32-1, func(s *subnetDraft) *opt[int64] { return &s.id }),
		{name: "subnet", kind: text, state: stateDone, read: readPrefix},
		word("interface", func(s *subnetDraft) *opt[string] { return &s.iface }),
		relayKey(func(s *subnetDraft) *opt[[]netip.Addr] { return &s.relay }),
		part("pools", list, func(s *subnetDraft) **node { return &s.pools }),
		part("option-data", list, func(s *subnetDraft) **node { return &s.options }),
		part("client-classes", list, func(s *subnetDraft) **node { return &s.classes }),
		part("client-class", text, func(s *subnetDraft) **node { return &s.class }).with(stateOld),
		part("user-context", object, func(s *subnetDraft) **node { return &s.context }),
		{name: "comment", kind: text, state: stateDone},
		reservationsKey[subnetDraft](),
	},
	levelKeys(func(s *subnetDraft) *level { return &s.level }),
	ignored[subnetDraft](list, "", "require-client-classes", "evaluate-additional-classes"),
	plain[subnetDraft](stateNotPlanned, text, `""`, "4o6-interface", "4o6-interface-id", "4o6-subnet"),
	ignoredKeys[subnetDraft]())}

// readPrefix reads "192.0.2.0/24", with white space anywhere as in Kea.
func readPrefix(c *checker, n *node, s *subnetDraft) {
	p, err := netip.ParsePrefix(noSpace(n.literal))
	if err != nil || !p.Addr().Is4() {
		c.fail(n, "%q is not an IPv4 prefix, write it like 192.0.2.0/24", n.literal)
		return
	}
	s.prefix = given(p.Masked(), n)
}

var blanks = strings.NewReplacer(" ", "", "\t", "")

func noSpace(s string) string { return blanks.Replace(s) }

// subnetList reads subnet4, of Dhcp4 or of a shared network.
func (c *checker) subnetList(n *node) []*subnetDraft {
	if n == nil {
		return nil
	}
	var drafts []*subnetDraft
	for _, item := range n.items {
		s := &subnetDraft{at: item}
		subnetTable.load(c, item, s)
		if item.kind == object && item.get("subnet") == nil {
			c.fail(item, `there is no "subnet", add one like "subnet": "192.0.2.0/24"`)
		}
		if s.prefix.set {
			drafts = append(drafts, s)
		}
	}
	return drafts
}

// subnet resolves a draft inside its network.
func (c *checker) subnet(s *subnetDraft, net *networkDraft, above level) *Subnet {
	l := s.level.within(above)
	out := &Subnet{
		ID: uint32(s.id.value), Prefix: s.prefix.value,
		Interface:     s.iface.or(net.iface).value,
		Relay:         s.relay.or(net.relay).value,
		ClientClasses: c.classes(s.class, s.classes),
		Options:       c.optionList(s.options),
		Lifetime:      c.lifetimes(l),
		Boot:          Boot{l.nextServer.value, l.serverHostname.value, l.bootFile.value},
		Authoritative: l.authoritative.value, MatchClientID: l.matchClient.value,
		Cache: c.cache(l), StoreExtended: l.storeExtended.value,
		OfferLifetime: inSeconds(l.offerLifetime.value),
		HAServerName:  c.serverName(s.context),
		UserContext:   s.context.render(),
		At:            s.at.position(c.src),
	}
	if out.HAServerName == "" {
		out.HAServerName = c.serverName(net.context)
	}
	c.unsent(l)
	out.Pools = c.pools(s)
	return out
}

// serverName is ha-server-name of a user context (Kea: ha_config.cc,
// getSubnetServerName).
func (c *checker) serverName(context *node) string {
	n := context.get("ha-server-name")
	if n == nil || !c.is(n, text) {
		return ""
	}
	if strings.TrimSpace(n.literal) == "" {
		c.fail(n, "ha-server-name is empty, give the name of a peer or remove it")
	}
	return n.literal
}
