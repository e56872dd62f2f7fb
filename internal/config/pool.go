package config

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strings"
)

// poolDraft is one element of pools as written.
type poolDraft struct {
	at             *node
	first, last    netip.Addr
	id             opt[int64]
	class, classes *node
	options        *node
	context        *node
}

var poolTable = table[poolDraft]{"pools[]", slices.Concat(
	[]key[poolDraft]{
		{name: "pool", kind: text, state: stateDone, read: readRange},
		number("pool-id", 1, math.MaxUint32, func(p *poolDraft) *opt[int64] { return &p.id }),
		part("option-data", list, func(p *poolDraft) **node { return &p.options }),
		part("client-classes", list, func(p *poolDraft) **node { return &p.classes }),
		part("client-class", text, func(p *poolDraft) **node { return &p.class }).with(stateOld),
		part("user-context", object, func(p *poolDraft) **node { return &p.context }),
		{name: "comment", kind: text, state: stateDone},
	},
	ignored[poolDraft](list, "", "require-client-classes", "evaluate-additional-classes"),
	accepted[poolDraft](boolean, "ddns-send-updates"),
	ignored[poolDraft](boolean, "false", "ddns-override-no-update", "ddns-override-client-update", "ddns-update-on-renew"),
	[]key[poolDraft]{replaceNameKey[poolDraft]("ddns-replace-client-name"), conflictKey[poolDraft]()},
	ignored[poolDraft](text, `"myhost"`, "ddns-generated-prefix"),
	ignored[poolDraft](text, `""`, "ddns-qualifying-suffix", "hostname-char-replacement"),
	ignored[poolDraft](text, `"[^A-Za-z0-9.-]"`, "hostname-char-set"),
	ignored[poolDraft](float, "", "ddns-ttl-percent"),
	ignored[poolDraft](integer, "", "ddns-ttl", "ddns-ttl-min", "ddns-ttl-max"))}

// readRange reads "192.0.2.10 - 192.0.2.20" or "192.0.2.16/28".
func readRange(c *checker, n *node, p *poolDraft) {
	written := noSpace(n.literal)
	from, to, isRange := strings.Cut(written, "-")
	if prefix, err := netip.ParsePrefix(written); err == nil && prefix.Addr().Is4() {
		p.first, p.last = bounds(prefix)
		return
	}
	first, err := netip.ParseAddr(from)
	last, err2 := netip.ParseAddr(to)
	switch {
	case !isRange || err != nil || err2 != nil || !first.Is4() || !last.Is4():
		c.fail(n, "%q is not a pool, write it like 192.0.2.10 - 192.0.2.20 or 192.0.2.16/28", n.literal)
	case last.Less(first):
		c.fail(n, "the pool ends at %s before it begins at %s, swap them", last, first)
	default:
		p.first, p.last = first, last
	}
}

// bounds are the first and last address of a prefix.
func bounds(p netip.Prefix) (netip.Addr, netip.Addr) {
	first := p.Masked().Addr()
	a := first.As4()
	last := binary.BigEndian.Uint32(a[:]) | uint32(uint64(1)<<(32-p.Bits())-1)
	binary.BigEndian.PutUint32(a[:], last)
	return first, netip.AddrFrom4(a)
}

// pools reads the pools of a subnet.
func (c *checker) pools(s *subnetDraft) []*Pool {
	if s.pools == nil {
		return nil
	}
	var pools []*Pool
	for _, item := range s.pools.items {
		p := poolDraft{at: item}
		poolTable.load(c, item, &p)
		if item.kind == object && item.get("pool") == nil {
			c.fail(item, `there is no "pool", add one like "pool": "192.0.2.10 - 192.0.2.20"`)
		}
		if !p.first.IsValid() {
			continue
		}
		if !s.prefix.value.Contains(p.first) || !s.prefix.value.Contains(p.last) {
			c.fail(item.get("pool"), "the pool %s - %s is outside its subnet %s, move it inside", p.first, p.last, s.prefix.value)
			continue
		}
		pools = append(pools, c.pool(&p))
	}
	return pools
}

func (c *checker) pool(p *poolDraft) *Pool {
	return &Pool{
		ID: uint32(p.id.value), First: p.first, Last: p.last,
		ClientClasses: c.classes(p.class, p.classes),
		Options:       c.optionList(p.options),
		UserContext:   p.context.render(),
		At:            p.at.position(c.src),
	}
}
