package config

import (
	"net/netip"
	"slices"
)

// networkDraft is one element of shared-networks as written, or the frame of a
// subnet that stands alone.
type networkDraft struct {
	level
	at             *node
	name           opt[string]
	iface          opt[string]
	relay          opt[[]netip.Addr]
	class, classes *node
	options        *node
	subnets        *node
	context        *node
	drafts         []*subnetDraft
}

var networkTable = table[networkDraft]{"shared-networks[]", slices.Concat(
	[]key[networkDraft]{
		word("name", func(n *networkDraft) *opt[string] { return &n.name }),
		word("interface", func(n *networkDraft) *opt[string] { return &n.iface }),
		relayKey(func(n *networkDraft) *opt[[]netip.Addr] { return &n.relay }),
		part("subnet4", list, func(n *networkDraft) **node { return &n.subnets }),
		part("option-data", list, func(n *networkDraft) **node { return &n.options }),
		part("client-classes", list, func(n *networkDraft) **node { return &n.classes }),
		part("client-class", text, func(n *networkDraft) **node { return &n.class }).with(stateOld),
		part("user-context", object, func(n *networkDraft) **node { return &n.context }),
		{name: "comment", kind: text, state: stateDone},
	},
	levelKeys(func(n *networkDraft) *level { return &n.level }),
	ignored[networkDraft](list, "", "require-client-classes", "evaluate-additional-classes"),
	ignoredKeys[networkDraft]())}

// networkList reads shared-networks; names are required and unique.
func (c *checker) networkList(n *node) []*networkDraft {
	if n == nil {
		return nil
	}
	var drafts []*networkDraft
	seen := make(map[string]*node)
	for _, item := range n.items {
		d := &networkDraft{at: item}
		networkTable.load(c, item, d)
		switch first := seen[d.name.value]; {
		case d.name.value == "":
			c.fail(item, "this shared network has no name, give it one")
		case first != nil:
			c.fail(d.name.at, "the shared network %q is defined twice, first in line %d; rename one", d.name.value, first.position(c.src).Line)
		default:
			seen[d.name.value] = item
		}
		d.drafts = c.subnetList(d.subnets)
		drafts = append(drafts, d)
	}
	return drafts
}

// network resolves a shared network and its subnets.
func (c *checker) network(d *networkDraft, above level) *Network {
	l := d.level.within(above)
	c.lifetimes(l)
	c.cache(l)
	out := &Network{
		Name: d.name.value, Interface: d.iface.value, Relay: d.relay.value,
		ClientClasses: c.classes(d.class, d.classes),
		Options:       c.optionList(d.options),
		UserContext:   d.context.render(),
		At:            d.at.position(c.src),
	}
	c.serverName(d.context)
	for _, s := range d.drafts {
		out.Subnets = append(out.Subnets, c.subnet(s, d, l))
	}
	for _, s := range out.Subnets {
		s.Network = out
	}
	c.sameEverywhere(out, l.authoritative.value)
	return out
}

// alone gives a subnet outside shared networks a network of its own.
func (c *checker) alone(s *subnetDraft, above level) *Network {
	out := &Network{At: s.at.position(c.src)}
	subnet := c.subnet(s, &networkDraft{at: s.at}, above)
	subnet.Network = out
	out.Interface, out.Relay, out.Subnets = subnet.Interface, subnet.Relay, []*Subnet{subnet}
	return out
}

// sameEverywhere: subnets of one shared network share the interface, where
// they give one, and whether the server is authoritative (Kea:
// json_config_parser.cc, sharedNetworksSanityChecks).
func (c *checker) sameEverywhere(net *Network, authoritative bool) {
	iface := net.Interface
	for _, s := range net.Subnets {
		if iface == "" {
			iface = s.Interface
		}
		if s.Interface != "" && s.Interface != iface {
			c.wrong(s.At, "subnet %s is on interface %q but its shared network %q is on %q, make them the same", s.Prefix, s.Interface, net.Name, iface)
		}
		if s.Authoritative != authoritative {
			c.wrong(s.At, "subnet %s has authoritative %t but its shared network %q has %t, make them the same", s.Prefix, s.Authoritative, net.Name, authoritative)
		}
	}
}
