package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// peerDraft is one element of peers as written.
type peerDraft struct {
	at                                     *node
	name, url, role                        opt[string]
	failover                               opt[bool]
	trust, cert, key                       opt[string]
	user, userFile, password, passwordFile opt[string]
}

var peerTable = table[peerDraft]{"high-availability[].peers[]", slices.Concat(
	[]key[peerDraft]{
		word("name", func(p *peerDraft) *opt[string] { return &p.name }),
		word("url", func(p *peerDraft) *opt[string] { return &p.url }),
		choice("role", []string{Primary, Secondary, Standby, Backup}, func(p *peerDraft) *opt[string] { return &p.role }),
		toggle("auto-failover", func(p *peerDraft) *opt[bool] { return &p.failover }),
		word("trust-anchor", func(p *peerDraft) *opt[string] { return &p.trust }),
		word("cert-file", func(p *peerDraft) *opt[string] { return &p.cert }),
		word("key-file", func(p *peerDraft) *opt[string] { return &p.key }),
		word("basic-auth-user", func(p *peerDraft) *opt[string] { return &p.user }),
		word("basic-auth-user-file", func(p *peerDraft) *opt[string] { return &p.userFile }),
		word("basic-auth-password", func(p *peerDraft) *opt[string] { return &p.password }),
		word("basic-auth-password-file", func(p *peerDraft) *opt[string] { return &p.passwordFile }),
		// An example of Kea's has it here, where its hook does not look.
		{name: "require-client-certs", kind: boolean, state: stateNotPlanned, effect: " here, nor does Kea; write it beside peers"},
	}, contextKeys[peerDraft]())}

// peers reads the servers of a relationship.
func (c *checker) peers(r *Relationship, d *relationshipDraft) {
	for _, item := range d.peers.items {
		p := peerDraft{at: item}
		peerTable.load(c, item, &p)
		if item.kind != object {
			continue
		}
		for _, name := range []string{"name", "url", "role"} {
			if item.get(name) == nil {
				c.fail(item, "there is no %s, add it", name)
			}
		}
		if peer := c.peer(&p, d); c.named(r, &p, peer) {
			r.Peers = append(r.Peers, peer)
		}
	}
}

// named checks that a peer has a name that no other has.
func (c *checker) named(r *Relationship, d *peerDraft, p *Peer) bool {
	switch {
	case !d.name.set:
		return false
	case p.Name == "":
		c.fail(d.name.at, "the name of a peer is blank, give it one")
		return false
	case r.peer(p.Name) != nil:
		c.fail(d.name.at, "peer %q is given twice, rename one", p.Name)
		return false
	}
	return true
}

func (c *checker) peer(d *peerDraft, r *relationshipDraft) *Peer {
	p := &Peer{
		Name: strings.TrimSpace(d.name.value), URL: d.url.value, Role: d.role.value,
		AutoFailover: d.failover.value, At: d.at.position(c.src),
		TLS: TLS{d.trust.or(r.trust).value, d.cert.or(r.cert).value, d.key.or(r.key).value, r.certs.value},
	}
	secured := c.tls(d.at, &p.TLS)
	if d.url.set {
		c.peerURL(d.url.at, p, secured)
	}
	user, ok := c.secret(d.user, d.userFile, "")
	password, ok2 := c.secret(d.password, d.passwordFile, "")
	switch {
	case !ok || !ok2 || user == "":
	case strings.Contains(user, ":"):
		c.fail(d.at, "the user %q contains a colon, which basic authentication cannot carry; rename it", user)
	default:
		p.User, p.Password = user, password
	}
	return p
}

// peerURL reads http://192.0.2.1:8000/ or https://[2001:db8::1]:8000/. The
// path is accepted and not used (Kea: http/url.cc).
func (c *checker) peerURL(n *node, p *Peer, secured bool) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(n.literal), "://")
	if !ok || scheme != "http" && scheme != "https" {
		c.fail(n, "%q does not begin with http:// or https://, write it like http://192.0.2.1:8000/", n.literal)
		return
	}
	host, _, _ := strings.Cut(rest, "/")
	addr, port, hasPort, ok := splitHost(host)
	a, err := netip.ParseAddr(addr)
	if !ok || err != nil {
		c.fail(n, "%q names no address: the host must be an IPv4 address, or an IPv6 address in brackets, not a name", n.literal)
		return
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if hasPort && err != nil {
		c.fail(n, "%q has no valid port, give a number from 1 to 65535", n.literal)
		return
	}
	if scheme == "https" && !secured {
		c.fail(n, "%q is https but this peer has no TLS, add trust-anchor, cert-file and key-file or write http", n.literal)
	}
	p.Addr = netip.AddrPortFrom(a, uint16(number))
}

// splitHost cuts "192.0.2.1:80" and "[2001:db8::1]:80". ok is false for an IPv6
// address without brackets and for no host.
func splitHost(host string) (addr, port string, hasPort, ok bool) {
	if rest, bracket := strings.CutPrefix(host, "["); bracket {
		addr, rest, ok = strings.Cut(rest, "]")
		port, hasPort = strings.CutPrefix(rest, ":")
		return addr, port, hasPort, ok && strings.Contains(addr, ":") && (hasPort || rest == "")
	}
	addr, port, hasPort = strings.Cut(host, ":")
	return addr, port, hasPort, addr != "" && !strings.Contains(port, ":")
}
