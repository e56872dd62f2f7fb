package config

import (
	"net/netip"
	"slices"
)

type relayDraft struct{ list, one *node }

var relayTable = table[relayDraft]{"relay", []key[relayDraft]{
	part("ip-addresses", list, func(r *relayDraft) **node { return &r.list }),
	part("ip-address", text, func(r *relayDraft) **node { return &r.one }).with(stateOld),
}}

// relayKey is the row "relay" of a subnet or shared network.
func relayKey[T any](into func(*T) *opt[[]netip.Addr]) key[T] {
	return key[T]{name: "relay", kind: object, state: stateDone, read: func(c *checker, n *node, t *T) {
		var r relayDraft
		relayTable.load(c, n, &r)
		switch {
		case r.list == nil && r.one == nil && len(n.items) == 0:
			c.fail(n, "there are no ip-addresses, add them or remove relay")
		case r.list != nil && r.one != nil:
			c.failKey(r.one, "ip-address and ip-addresses cannot both be given, keep ip-addresses")
		default:
			*into(t) = given(c.relays(r), n)
		}
	}}
}

func (c *checker) relays(r relayDraft) []netip.Addr {
	items := []*node{r.one}
	if r.list != nil {
		items = r.list.items
	}
	var addrs []netip.Addr
	for _, item := range items {
		if item == nil || !c.is(item, text) {
			continue
		}
		a, ok := c.address(item)
		switch {
		case !ok:
		case slices.Contains(addrs, a):
			c.fail(item, "%s is given twice, remove one", a)
		default:
			addrs = append(addrs, a)
		}
	}
	return addrs
}
