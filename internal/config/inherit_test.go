package config

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	t.Setenv("KEA_DHCP_DATA_DIR", "")
	d := mustParse(t, `"subnet4": [ { "id": 1, "subnet": "192.0.2.0/24" } ]`)
	s := d.Subnets[0]
	if want := (Lifetimes{Min: 2 * time.Hour, Default: 2 * time.Hour, Max: 2 * time.Hour, T1: 0.5, T2: 0.875}); s.Lifetime != want {
		t.Errorf("lifetimes %+v", s.Lifetime)
	}
	if want := (Cache{Threshold: 0.25}); s.Cache != want {
		t.Errorf("cache %+v", s.Cache)
	}
	if s.Authoritative || !s.MatchClientID || s.StoreExtended || s.OfferLifetime != 0 {
		t.Errorf("flags %+v", s)
	}
	if want := (Boot{NextServer: netip.IPv4Unspecified()}); s.Boot != want {
		t.Errorf("boot %+v", s.Boot)
	}
	if want := (LeaseDatabase{true, "/var/lib/kea/kea-leases4.csv", time.Hour, Position{}}); d.LeaseDatabase != want {
		t.Errorf("lease database %+v", d.LeaseDatabase)
	}
	if want := (ExpiredLeases{10 * time.Second, 25 * time.Second, time.Hour, 100, 250 * time.Millisecond, 5}); d.Expired != want {
		t.Errorf("expired %+v", d.Expired)
	}
	if !d.EchoClientID || d.DeclineProbation != 24*time.Hour || d.ParkedPacketLimit != 256 || d.SanityChecks != "warn" {
		t.Errorf("%+v", d)
	}
	if !d.Interfaces.ReDetect || d.Interfaces.UDP || d.Interfaces.RetryWait != 5*time.Second {
		t.Errorf("interfaces %+v", d.Interfaces)
	}
	if n := d.Needletail; n.Durability != "sync" || n.FastPath.XDP != "auto" || n.FastPath.AFXDP != "on" || n.DeafPartner != "off" || n.Metrics.IsValid() || n.HubLoadBalancing {
		t.Errorf("needletail %+v", n)
	}
}

const levels = `
	"valid-lifetime": 1000, "renew-timer": 100, "rebind-timer": 200, "cache-threshold": 0.5, "cache-max-age": 9,
	"next-server": "198.51.100.1", "server-hostname": "global", "boot-file-name": "file", "match-client-id": false,
	"option-data": [ { "name": "routers", "data": "192.0.2.1" } ],
	"shared-networks": [ { "name": "net", "interface": "eth0", "authoritative": true,
		"relay": { "ip-addresses": [ "198.51.100.9" ] }, "max-valid-lifetime": 3000, "server-hostname": "net",
		"client-class": "HA_a", "user-context": { "ha-server-name": "a" }, "comment": "both",
		"option-data": [ { "name": "log-servers", "data": "192.0.2.1" } ],
		"subnet4": [
			{ "subnet": "192.0.2.0/24", "renew-timer": 50, "boot-file-name": "mine", "relay": { "ip-address": "198.51.100.8" },
			  "option-data": [ { "name": "domain-name", "data": "a" } ], "client-classes": [ "ALL", "VENDOR_CLASS_y" ],
			  "pools": [ { "pool": "192.0.2.8/29", "client-class": "HA_b", "pool-id": 3, "option-data": [ { "name": "domain-name", "data": "b" } ] } ],
			  "user-context": { "ha-server-name": "b" } },
			{ "subnet": "192.0.3.0/24", "min-valid-lifetime": 10, "calculate-tee-times": true, "t1-percent": 0.1, "store-extended-info": true, "offer-lifetime": 5 } ] } ],
	"subnet4": [ { "id": 1, "subnet": "203.0.113.0/24", "interface": "eth1" }, { "subnet": "203.0.114.0/24", "cache-threshold": 0.0 } ]`

func TestInheritance(t *testing.T) {
	d := mustParse(t, levels)
	if len(d.Networks) != 3 || len(d.Subnets) != 4 || len(d.Options) != 1 {
		t.Fatalf("%d networks, %d subnets, %d options", len(d.Networks), len(d.Subnets), len(d.Options))
	}
	net := d.Networks[0]
	a, b := net.Subnets[0], net.Subnets[1]
	if want := (Lifetimes{1000 * time.Second, 1000 * time.Second, 3000 * time.Second, 50 * time.Second, 200 * time.Second, false, 0.5, 0.875}); a.Lifetime != want {
		t.Errorf("first lifetimes %+v", a.Lifetime)
	}
	if want := (Lifetimes{10 * time.Second, 1000 * time.Second, 3000 * time.Second, 100 * time.Second, 200 * time.Second, true, 0.1, 0.875}); b.Lifetime != want {
		t.Errorf("second lifetimes %+v", b.Lifetime)
	}
	if want := (Boot{netip.MustParseAddr("198.51.100.1"), "net", "mine"}); a.Boot != want {
		t.Errorf("boot %+v", a.Boot)
	}
	if a.Interface != "eth0" || !a.Authoritative || a.MatchClientID || a.Cache != (Cache{0.5, 9 * time.Second}) || a.Network != net {
		t.Errorf("first %+v", a)
	}
	if a.Relay[0].String() != "198.51.100.8" || b.Relay[0].String() != "198.51.100.9" {
		t.Errorf("relays %v %v", a.Relay, b.Relay)
	}
	if a.HAServerName != "b" || b.HAServerName != "a" {
		t.Errorf("server names %q %q", a.HAServerName, b.HAServerName)
	}
	if !b.StoreExtended || b.OfferLifetime != 5*time.Second {
		t.Errorf("second %+v", b)
	}
	if !slices.Equal(a.ClientClasses, []string{"ALL", "VENDOR_CLASS_y"}) || !slices.Equal(net.ClientClasses, []string{"HA_a"}) || b.ClientClasses != nil {
		t.Errorf("classes %v %v %v", a.ClientClasses, net.ClientClasses, b.ClientClasses)
	}
	if string(net.UserContext) != `{"ha-server-name":"a","comment":"both"}` {
		t.Errorf("user context %s", net.UserContext)
	}
	p := a.Pools[0]
	if p.ID != 3 || p.First.String() != "192.0.2.8" || p.Last.String() != "192.0.2.15" || p.ClientClasses[0] != "HA_b" || string(p.Options[0].Data) != "b" {
		t.Errorf("pool %+v", p)
	}
	if alone := d.Networks[2]; alone.Name != "" || alone.Subnets[0].Cache.Threshold != 0 || alone.Subnets[0].Network != alone {
		t.Errorf("alone %+v", alone)
	}
}

// Ids that are left out are the first free ones, those in shared networks
// first, as Kea reads them.
func TestSubnetIDs(t *testing.T) {
	d := mustParse(t, levels)
	want := map[string]uint32{"203.0.113.0/24": 1, "192.0.2.0/24": 2, "192.0.3.0/24": 3, "203.0.114.0/24": 4}
	for i, s := range d.Subnets {
		if s.ID != want[s.Prefix.String()] || s.ID != uint32(i+1) {
			t.Errorf("%s has id %d at place %d", s.Prefix, s.ID, i)
		}
	}
}

func TestLeasePath(t *testing.T) {
	t.Setenv("KEA_DHCP_DATA_DIR", "/srv/kea")
	for name, want := range map[string]string{"": "/srv/kea/kea-leases4.csv", "a.csv": "/srv/kea/a.csv", "/x/a.csv": "/x/a.csv", "./a.csv": "./a.csv"} {
		if got := leasePath(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
