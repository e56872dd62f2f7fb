package config

import (
	"cmp"
	"math"
	"slices"
)

// rootDraft is the document.
type rootDraft struct{ dhcp4 *node }

var rootTable = table[rootDraft]{"document", []key[rootDraft]{
	part("Dhcp4", object, func(r *rootDraft) **node { return &r.dhcp4 }),
}}

// dhcp4Draft is Dhcp4 as written.
type dhcp4Draft struct {
	level
	interfaces, database, expired, sanity, threading *node
	subnets, networks, options, optionDefs           *node
	socket, sockets, hooks, loggers, context         *node
	decline, parked                                  opt[int64]
	echoClient                                       opt[bool]
	serverTag                                        opt[string]
}

var dhcp4Table = table[dhcp4Draft]{"Dhcp4", slices.Concat(
	[]key[dhcp4Draft]{
		part("interfaces-config", object, func(d *dhcp4Draft) **node { return &d.interfaces }),
		part("lease-database", object, func(d *dhcp4Draft) **node { return &d.database }),
		part("expired-leases-processing", object, func(d *dhcp4Draft) **node { return &d.expired }),
		part("sanity-checks", object, func(d *dhcp4Draft) **node { return &d.sanity }),
		part("multi-threading", object, func(d *dhcp4Draft) **node { return &d.threading }),
		part("subnet4", list, func(d *dhcp4Draft) **node { return &d.subnets }),
		part("shared-networks", list, func(d *dhcp4Draft) **node { return &d.networks }),
		part("option-data", list, func(d *dhcp4Draft) **node { return &d.options }),
		part("option-def", list, func(d *dhcp4Draft) **node { return &d.optionDefs }),
		part("control-sockets", list, func(d *dhcp4Draft) **node { return &d.sockets }),
		part("control-socket", object, func(d *dhcp4Draft) **node { return &d.socket }).with(stateOld),
		part("hooks-libraries", list, func(d *dhcp4Draft) **node { return &d.hooks }),
		part("loggers", list, func(d *dhcp4Draft) **node { return &d.loggers }),
		part("user-context", object, func(d *dhcp4Draft) **node { return &d.context }),
		{name: "comment", kind: text, state: stateDone},
		seconds("decline-probation-period", func(d *dhcp4Draft) *opt[int64] { return &d.decline }),
		number("parked-packet-limit", 0, math.MaxUint32, func(d *dhcp4Draft) *opt[int64] { return &d.parked }),
		toggle("echo-client-id", func(d *dhcp4Draft) *opt[bool] { return &d.echoClient }),
		word("server-tag", func(d *dhcp4Draft) *opt[string] { return &d.serverTag }),
		reservationsKey[dhcp4Draft](),
		ddnsKey[dhcp4Draft](),
		{name: "client-classes", kind: list, state: stateIgnored, read: nestedList[dhcp4Draft](&classTable)},
		{name: "hosts-database", kind: object, state: stateIgnored, read: nested[dhcp4Draft](&hostsTable)},
		{name: "hosts-databases", kind: list, state: stateIgnored, read: nestedList[dhcp4Draft](&hostsTable)},
		{name: "config-control", kind: object, state: stateIgnored, read: nested[dhcp4Draft](&controlTable)},
		{name: "compatibility", kind: object, state: stateAccepted, read: nested[dhcp4Draft](&compatibilityTable)},
		{name: "dhcp-queue-control", kind: object, state: stateIgnored, unless: "enable-queue"},
	},
	levelKeys(func(d *dhcp4Draft) *level { return &d.level }),
	ignored[dhcp4Draft](list, "", "host-reservation-identifiers"),
	ignored[dhcp4Draft](integer, "20", "statistic-default-sample-count"),
	ignored[dhcp4Draft](integer, "0", "statistic-default-sample-age"),
	ignored[dhcp4Draft](boolean, "false", "early-global-reservations-lookup", "reservations-lookup-first", "stash-agent-options"),
	ignored[dhcp4Draft](boolean, "true", "ip-reservations-unique"),
	plain[dhcp4Draft](stateNotPlanned, integer, "0", "dhcp4o6-port"),
	ignoredKeys[dhcp4Draft]())}

// Kea's defaults (simple_parser4.cc).
const (
	declineDefault = 86400 // seconds
	parkedDefault  = 256   // packets
)

// dhcp4 resolves the document.
func (c *checker) dhcp4(n *node) *Dhcp4 {
	var d dhcp4Draft
	dhcp4Table.load(c, n, &d)
	l := d.level.within(builtIn)
	c.lifetimes(l)
	c.cache(l)
	out := &Dhcp4{
		Interfaces:        c.interfaces(d.interfaces),
		LeaseDatabase:     c.leaseDatabase(d.database),
		Sockets:           c.sockets(d.socket, d.sockets),
		Expired:           c.expired(d.expired),
		Loggers:           c.loggers(d.loggers),
		SanityChecks:      c.sanity(d.sanity),
		OptionDefs:        c.optionDefs(d.optionDefs),
		DeclineProbation:  inSeconds(d.decline.get(declineDefault)),
		EchoClientID:      d.echoClient.get(true),
		Authoritative:     l.authoritative.value,
		ParkedPacketLimit: int(d.parked.get(parkedDefault)),
		ParkedGiven:       d.parked.set,
		ServerTag:         d.serverTag.value,
	}
	out.Options = c.optionList(d.options)
	c.ours(out, &d)
	c.subnets(out, &d, l)
	return out
}

// ours are the relationships and our own settings, which may change what is
// allowed there. Relationships with problems are not compared with anything.
func (c *checker) ours(out *Dhcp4, d *dhcp4Draft) {
	before := len(c.problems)
	out.Threading = c.threading(d.threading)
	out.HA = c.hooks(d.hooks, out.Threading.Enabled)
	broken := len(c.problems) > before
	var split *node
	out.Needletail, split = c.needletail(d.context)
	if broken {
		out.HA = nil
		return
	}
	out.Needletail.Split = c.split(split, out.HA)
	c.relationships(out.HA, out.Needletail.HubLoadBalancing)
}

// subnets resolves networks and subnets and compares them with each other.
func (c *checker) subnets(out *Dhcp4, d *dhcp4Draft, l level) {
	networks, alone := c.networkList(d.networks), c.subnetList(d.subnets)
	var all []*subnetDraft
	for _, net := range networks {
		all = append(all, net.drafts...)
	}
	c.identify(append(all, alone...)) // in Kea's order
	for _, net := range networks {
		out.Networks = append(out.Networks, c.network(net, l))
	}
	for _, s := range alone {
		out.Networks = append(out.Networks, c.alone(s, l))
	}
	for _, net := range out.Networks {
		out.Subnets = append(out.Subnets, net.Subnets...)
	}
	slices.SortStableFunc(out.Subnets, func(a, b *Subnet) int { return cmp.Compare(a.ID, b.ID) })
	c.unique(out.Subnets)
	c.overlaps(out.Subnets)
	c.served(out)
}

// threading reads multi-threading, on unless it says otherwise (Kea: since
// 2.3.5).
func (c *checker) threading(n *node) Threading {
	var d threadingDraft
	if n != nil {
		threadingTable.load(c, n, &d)
	}
	return Threading{d.enable.get(true), int(d.pool.value), int(d.queue.get(packetQueueDefault))}
}

func (c *checker) sanity(n *node) string {
	var d sanityDraft
	if n != nil {
		sanityTable.load(c, n, &d)
	}
	return d.checks.get("warn")
}
