package slowpath

import (
	"net/netip"
	"testing"

	"needletail/internal/frame"
	"needletail/internal/netif"
)

// Which queries a leg answers, by the address they were sent to and the VLAN
// they came by.
func TestLegServes(t *testing.T) {
	s0 := netif.Interface{Name: "s0", Index: 2, Addresses: []netip.Prefix{
		netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("203.0.113.5/32"),
	}}
	lo := netif.Interface{Name: "lo", Index: 1, Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}}
	vlan := netif.Interface{Name: "s0.7", Index: 3, Kind: "vlan", Parent: 2, VLAN: 7}
	other := netif.Interface{Name: "x.8", Index: 4, Kind: "vlan", Parent: 9, VLAN: 8}
	all := []netif.Interface{lo, s0, vlan, other}
	whole := netif.Picked{Interface: s0}
	named := netif.Picked{Interface: s0, Only: []netip.Addr{netip.MustParseAddr("203.0.113.5")}}
	picked := []netif.Picked{whole, {Interface: vlan}, {Interface: other}}
	for _, c := range []struct {
		name string
		at   netif.Picked
		dst  string
		tag  uint16
		want bool
	}{
		{"broadcast", whole, "255.255.255.255", 0, true},
		{"own address", whole, "192.0.2.1", 0, true},
		{"second address", whole, "203.0.113.5", 0, true},
		{"directed broadcast", whole, "192.0.2.255", 0, true},
		{"address on loopback", whole, "198.51.100.1", 0, true},
		{"another host", whole, "192.0.2.2", 0, false},
		{"broadcast, one address served", named, "255.255.255.255", 0, true},
		{"the one address", named, "203.0.113.5", 0, true},
		{"not the one address", named, "192.0.2.1", 0, false},
		{"tagged, nobody else serves the VLAN", whole, "255.255.255.255", 8, true},
		{"tagged, served by its VLAN interface", whole, "255.255.255.255", 7, false},
		{"the same with a priority", whole, "255.255.255.255", 0x6007, false},
	} {
		l := leg{link: c.at, local: localAddresses(&c.at, all), skip: netif.VLANsServed(c.at.Index, picked)}
		link := frame.Link{Dst: ip(c.dst)}
		if c.tag != 0 {
			link.Tags[0] = frame.Tag{TPID: frame.TPIDTag, TCI: c.tag}
		}
		if got := l.serves(&link); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
