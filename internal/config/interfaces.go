package config

import (
	"math"
	"net/netip"
	"slices"
	"strings"
)

// interfacesDraft is interfaces-config as written.
type interfacesDraft struct {
	names                *node
	socket, outbound     opt[string]
	reDetect, requireAll opt[bool]
	retryMax, retryWait  opt[int64]
}

var interfacesTable = table[interfacesDraft]{"interfaces-config", slices.Concat(
	[]key[interfacesDraft]{
		part("interfaces", list, func(i *interfacesDraft) **node { return &i.names }),
		choice("dhcp-socket-type", []string{"raw", "udp"}, func(i *interfacesDraft) *opt[string] { return &i.socket }),
		choice("outbound-interface", []string{"same-as-inbound", "use-routing"}, func(i *interfacesDraft) *opt[string] { return &i.outbound }),
		toggle("re-detect", func(i *interfacesDraft) *opt[bool] { return &i.reDetect }),
		toggle("service-sockets-require-all", func(i *interfacesDraft) *opt[bool] { return &i.requireAll }),
		number("service-sockets-max-retries", 0, math.MaxUint32, func(i *interfacesDraft) *opt[int64] { return &i.retryMax }),
		number("service-sockets-retry-wait-time", 0, math.MaxUint32, func(i *interfacesDraft) *opt[int64] { return &i.retryWait }),
	}, contextKeys[interfacesDraft]())}

// retryWaitDefault is Kea's, in milliseconds (cfg_iface.h).
const retryWaitDefault = 5000

func (c *checker) interfaces(n *node) Interfaces {
	var d interfacesDraft
	if n != nil {
		interfacesTable.load(c, n, &d)
	}
	return Interfaces{
		Names: c.interfaceNames(d.names), UDP: d.socket.value == "udp",
		ReDetect: d.reDetect.get(true), RequireAll: d.requireAll.value,
		RetryMax: int(d.retryMax.value), RetryWait: inMillis(d.retryWait.get(retryWaitDefault)),
		OutboundRoute: d.outbound.value == "use-routing",
	}
}

// interfaceNames reads "*", "eth0" and "eth0/192.0.2.1" (Kea: cfg_iface.cc,
// use). Whether an interface exists is seen when sockets are opened.
func (c *checker) interfaceNames(n *node) []InterfaceName {
	if n == nil {
		return nil
	}
	var names []InterfaceName
	for _, item := range n.items {
		if !c.is(item, text) {
			continue
		}
		if name, ok := c.interfaceName(item); ok && !c.repeats(item, names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (c *checker) interfaceName(n *node) (InterfaceName, bool) {
	name, addr, hasAddr := strings.Cut(n.literal, "/")
	out := InterfaceName{Name: strings.TrimSpace(name), At: n.position(c.src)}
	if out.Name == "" {
		c.fail(n, `this interface has no name, write it like "eth0" or "eth0/192.0.2.1"`)
		return out, false
	}
	if !hasAddr {
		return out, true
	}
	a, err := netip.ParseAddr(strings.TrimSpace(addr))
	if err != nil || !a.Is4() || out.Name == "*" {
		c.fail(n, `%q is not an interface with an IPv4 address, write it like "eth0/192.0.2.1"`, n.literal)
		return out, false
	}
	out.Addr = a
	return out, true
}

// repeats: an interface once whole, or once for each of its addresses.
func (c *checker) repeats(n *node, before []InterfaceName, name InterfaceName) bool {
	for _, b := range before {
		if b.Name == name.Name && (b.Addr == name.Addr || !b.Addr.IsValid() || !name.Addr.IsValid()) {
			c.fail(n, "interface %q is given already in line %d, remove one", name.Name, b.At.Line)
			return true
		}
	}
	return false
}
