package config

import (
	"math"
	"net/netip"
	"slices"
)

// socketDraft is control-socket or an element of control-sockets as written.
type socketDraft struct {
	at               *node
	kind, name, addr opt[string]
	port             opt[int64]
	trust, cert, key opt[string]
	certRequired     opt[bool]
	auth             *node
}

var socketTable = table[socketDraft]{"control-sockets[]", slices.Concat(
	[]key[socketDraft]{
		choice("socket-type", []string{"unix", "http", "https"}, func(s *socketDraft) *opt[string] { return &s.kind }),
		word("socket-name", func(s *socketDraft) *opt[string] { return &s.name }),
		word("socket-address", func(s *socketDraft) *opt[string] { return &s.addr }),
		number("socket-port", 0, math.MaxUint16, func(s *socketDraft) *opt[int64] { return &s.port }),
		part("authentication", object, func(s *socketDraft) **node { return &s.auth }),
		word("trust-anchor", func(s *socketDraft) *opt[string] { return &s.trust }),
		word("cert-file", func(s *socketDraft) *opt[string] { return &s.cert }),
		word("key-file", func(s *socketDraft) *opt[string] { return &s.key }),
		toggle("cert-required", func(s *socketDraft) *opt[bool] { return &s.certRequired }),
	},
	ignored[socketDraft](list, "", "http-headers"),
	contextKeys[socketDraft]())}

// Kea's defaults of an HTTP control socket (http_command_config.cc,
// ctrl_dhcp4_srv.cc).
const (
	socketPortDefault  = 8000
	socketRealmDefault = "kea-dhcpv4-server"
	unixPathMax        = 107 // bytes, sockaddr_un less the final zero
)

var socketAddrDefault = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// sockets reads the form since Kea 2.7 and the older single one.
func (c *checker) sockets(one, many *node) []ControlSocket {
	items := []*node{one}
	if many != nil {
		items = many.items
	}
	if one != nil && many != nil {
		c.failKey(one, "control-socket and control-sockets cannot both be given, keep control-sockets")
	}
	var sockets []ControlSocket
	for _, item := range items {
		if item == nil {
			continue
		}
		d := socketDraft{at: item}
		socketTable.load(c, item, &d)
		if !d.kind.set {
			if item.kind == object && item.get("socket-type") == nil {
				c.fail(item, `there is no socket-type, add "unix", "http" or "https"`)
			}
			continue
		}
		s := c.socket(&d)
		if s.Type == "unix" && slices.ContainsFunc(sockets, func(o ControlSocket) bool { return o.Type == "unix" }) {
			c.fail(item, "there is a unix control socket already, keep one")
		}
		sockets = append(sockets, s)
	}
	return sockets
}

func (c *checker) socket(d *socketDraft) ControlSocket {
	s := ControlSocket{Type: d.kind.value, Name: d.name.value, At: d.at.position(c.src)}
	if s.Type == "unix" {
		c.unixSocket(d)
		return s
	}
	if d.name.set {
		c.failKey(d.name.at, "socket-name is for unix sockets, remove it")
	}
	addr := socketAddrDefault
	if d.addr.set {
		var err error
		if addr, err = netip.ParseAddr(d.addr.value); err != nil {
			c.fail(d.addr.at, "%q is not an address, write it like 192.0.2.1 or 2001:db8::1", d.addr.value)
		}
	}
	s.Addr = netip.AddrPortFrom(addr, uint16(d.port.get(socketPortDefault)))
	s.TLS = TLS{d.trust.value, d.cert.value, d.key.value, d.certRequired.get(true)}
	if !c.tls(d.at, &s.TLS) && s.Type == "https" {
		c.fail(d.at, "an https socket needs trust-anchor, cert-file and key-file, add them")
	}
	s.Realm, s.Clients = c.authentication(d.auth)
	return s
}

func (c *checker) unixSocket(d *socketDraft) {
	switch {
	case d.name.value == "":
		c.fail(d.at, "a unix socket needs a socket-name, add its path")
	case len(d.name.value) > unixPathMax:
		c.fail(d.name.at, "the path has %d bytes, the system takes %d; shorten it", len(d.name.value), unixPathMax)
	}
	for _, name := range []string{"socket-address", "socket-port", "authentication", "trust-anchor", "cert-file", "key-file", "cert-required", "http-headers"} {
		if n := d.at.get(name); n != nil {
			c.failKey(n, "%s is for http sockets, remove it", name)
		}
	}
}
