package netif

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// pattern reads NAME or NAME/ADDRESS.
func pattern(s string) Pattern {
	name, addr, _ := strings.Cut(s, "/")
	a, _ := netip.ParseAddr(addr)
	return Pattern{Name: name, Addr: a}
}

func TestPick(t *testing.T) {
	prefix := func(s ...string) (p []netip.Prefix) {
		for _, x := range s {
			p = append(p, netip.MustParsePrefix(x))
		}
		return p
	}
	all := []Interface{
		{Name: "lo", Up: true, Loopback: true, Addresses: prefix("127.0.0.1/8")},
		{Name: "eth0", Up: true, Addresses: prefix("192.0.2.1/24", "198.51.100.1/24")},
		{Name: "eth1", Up: false, Addresses: prefix("203.0.113.1/24")},
		{Name: "eth2", Up: true},
	}
	for _, c := range []struct {
		name     string
		patterns []string
		picked   []string // name, then the addresses to serve
		missing  []string
	}{
		{"nothing asked", nil, nil, nil},
		{"wildcard: up, addressed, no loopback", []string{"*"}, []string{"eth0"}, nil},
		{"a name is taken in any state", []string{"eth1", "eth2", "lo"}, []string{"lo", "eth1", "eth2"}, nil},
		{"an address", []string{"eth0/198.51.100.1"}, []string{"eth0 198.51.100.1"}, nil},
		{"two addresses", []string{"eth0/198.51.100.1", "eth0/192.0.2.1"}, []string{"eth0 198.51.100.1 192.0.2.1"}, nil},
		{"the whole interface outweighs an address", []string{"eth0/192.0.2.1", "eth0"}, []string{"eth0"}, nil},
		{"the wildcard does too", []string{"eth0/192.0.2.1", "*", "eth1/203.0.113.1"}, []string{"eth0", "eth1 203.0.113.1"}, nil},
		{"missing", []string{"eth9", "eth0/192.0.2.77", "eth0"}, []string{"eth0"}, []string{"eth9", "eth0/192.0.2.77"}},
		{"twice the same", []string{"eth0", "eth0"}, []string{"eth0"}, nil},
	} {
		var patterns []Pattern
		for _, s := range c.patterns {
			patterns = append(patterns, pattern(s))
		}
		picked, missing := Pick(all, patterns)
		var got, gone []string
		for _, p := range picked {
			s := p.Name
			for _, a := range p.Only {
				s += " " + a.String()
			}
			got = append(got, s)
		}
		for _, p := range missing {
			gone = append(gone, p.String())
		}
		if !slices.Equal(got, c.picked) || !slices.Equal(gone, c.missing) {
			t.Errorf("%s: picked %q missing %q, want %q and %q", c.name, got, gone, c.picked, c.missing)
		}
	}
}
