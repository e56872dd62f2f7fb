package config

import (
	"math"
	"net/netip"
)

// needletailDraft is user-context.needletail as written.
type needletailDraft struct {
	durability, deaf, metrics opt[string]
	inFlight                  opt[int64]
	hub                       opt[bool]
	split, fastPath           *node
}

// ownContext names the map of our own settings in tables and messages.
const ownContext = "user-context.needletail"

var needletailTable = table[needletailDraft]{ownContext, []key[needletailDraft]{
	choice("durability", []string{"sync", "os", "none"}, func(d *needletailDraft) *opt[string] { return &d.durability }),
	part("fast-path", object, func(d *needletailDraft) **node { return &d.fastPath }),
	part("split", object, func(d *needletailDraft) **node { return &d.split }),
	choice("deaf-partner", []string{"off", "warn", "take-over"}, func(d *needletailDraft) *opt[string] { return &d.deaf }),
	toggle("hub-load-balancing", func(d *needletailDraft) *opt[bool] { return &d.hub }),
	word("metrics", func(d *needletailDraft) *opt[string] { return &d.metrics }),
	number("in-flight-max", 1, 1<<20, func(d *needletailDraft) *opt[int64] { return &d.inFlight }),
}}

type fastPathDraft struct {
	xdp, afxdp, send opt[string]
	queues, cpus     *node
}

var fastPathTable = table[fastPathDraft]{ownContext + ".fast-path", []key[fastPathDraft]{
	choice("xdp", []string{"auto", "native", "generic", "off"}, func(f *fastPathDraft) *opt[string] { return &f.xdp }),
	choice("af-xdp", []string{"on", "off", "zero-copy"}, func(f *fastPathDraft) *opt[string] { return &f.afxdp }),
	choice("send", []string{"ring", "live"}, func(f *fastPathDraft) *opt[string] { return &f.send }),
	part("queues", list, func(f *fastPathDraft) **node { return &f.queues }),
	part("cpus", list, func(f *fastPathDraft) **node { return &f.cpus }),
}}

// inFlightDefault is how many queries of a worker may wait for a commit: at
// 200,000 leases a second, 80 ms of them, which is a slow sync of a good disk.
const inFlightDefault = 16384

// needletail reads our own settings out of the user context of Dhcp4.
func (c *checker) needletail(userContext *node) (Needletail, *node) {
	var d needletailDraft
	if n := userContext.get("needletail"); n != nil {
		needletailTable.load(c, n, &d)
	}
	out := Needletail{
		Durability: d.durability.get("sync"), FastPath: c.fastPath(d.fastPath),
		DeafPartner: d.deaf.get("off"), InFlightMax: int(d.inFlight.get(inFlightDefault)),
		HubLoadBalancing: d.hub.value,
	}
	if d.metrics.set {
		at, err := netip.ParseAddrPort(d.metrics.value)
		if err != nil || at.Port() == 0 {
			c.fail(d.metrics.at, "%q is not an address with a port, write it like 127.0.0.1:9547", d.metrics.value)
		}
		out.Metrics = at
	}
	return out, d.split
}

func (c *checker) fastPath(n *node) FastPath {
	var f fastPathDraft
	if n != nil {
		fastPathTable.load(c, n, &f)
	}
	out := FastPath{XDP: f.xdp.get("auto"), Queues: c.numbers(f.queues), CPUs: c.numbers(f.cpus)}
	out.AFXDP = f.afxdp.get("on")
	if out.XDP == "off" {
		if f.afxdp.set && f.afxdp.value != "off" {
			c.fail(f.afxdp.at, "af-xdp needs xdp, which is off; set it to off or remove it")
		}
		out.AFXDP = "off"
	}
	out.Send = f.send.get("ring")
	if out.Send == "live" && out.AFXDP != "on" {
		c.fail(f.send.at, "send: live is for AF_XDP that copies, and af-xdp is %s; set it to ring or remove it", out.AFXDP)
	}
	return out
}

// numbers reads a list of queue or CPU numbers, none twice.
func (c *checker) numbers(n *node) []int {
	if n == nil {
		return nil
	}
	var all []int
	seen := make(map[int64]bool)
	for _, item := range n.items {
		if !c.is(item, integer) || !c.between(item, 0, math.MaxUint16) {
			continue
		}
		if seen[item.num] {
			c.fail(item, "%d is given twice, remove one", item.num)
			continue
		}
		seen[item.num] = true
		all = append(all, int(item.num))
	}
	return all
}

const weightMax = 1000 // finer than the 256 buckets can show

// split reads peer name to weight. Of a relationship that it touches it names
// both servers, and it only makes sense with load-balancing.
func (c *checker) split(n *node, all []*Relationship) map[string]int {
	if n == nil {
		return nil
	}
	weights := make(map[string]int)
	for _, item := range n.items {
		if !c.is(item, integer) || !c.between(item, 0, weightMax) {
			continue
		}
		weights[item.key] = int(item.num)
		if !balanced(all, item.key) {
			c.failKey(item, "%q is not the primary or secondary of a relationship with mode load-balancing, correct the name or remove it", item.key)
		}
	}
	for _, r := range all {
		c.weights(n, weights, r)
	}
	return weights
}

func balanced(all []*Relationship, name string) bool {
	for _, r := range all {
		for _, p := range r.Active() {
			if p.Name == name && r.Mode == LoadBalancing {
				return true
			}
		}
	}
	return false
}

func (c *checker) weights(n *node, weights map[string]int, r *Relationship) {
	named, sum := 0, 0
	active := r.Active()
	for _, p := range active {
		if w, ok := weights[p.Name]; ok {
			named, sum = named+1, sum+w
		}
	}
	switch {
	case r.Mode != LoadBalancing || named == 0:
	case named < len(active):
		c.fail(n, "split names %d of the two servers %s and %s, give both a weight", named, active[0].Name, active[1].Name)
	case sum == 0:
		c.fail(n, "the weights of %s and %s are both 0, then nobody answers; raise one", active[0].Name, active[1].Name)
	}
}
