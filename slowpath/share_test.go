package slowpath

import (
	"fmt"
	"strings"
	"testing"

	"needletail/internal/config"
)

// A pool that two load-balancing servers share falls into two halves with one
// server's clients each; with a class, in hot-standby or without HA it stays
// whole.
func TestSharedPoolsAreHalved(t *testing.T) {
	const pair = `"hooks-libraries": [{"library": "libdhcp_lease_cmds.so"}, {"library": "libdhcp_ha.so", "parameters": {"high-availability": [
    {"this-server-name": "server1", "mode": "MODE", "peers": [
      {"name": "server1", "url": "http://127.0.0.1:8001/", "role": "primary"},
      {"name": "server2", "url": "http://127.0.0.1:8002/", "role": "SECOND"}]}]}}],`
	balanced := strings.NewReplacer("MODE", "load-balancing", "SECOND", "secondary").Replace(pair)
	standby := strings.NewReplacer("MODE", "hot-standby", "SECOND", "standby").Replace(pair)
	const whole = "192.0.2.10-192.0.2.19 everybody's"
	for _, c := range []struct{ name, ha, pool, want string }{
		{"shared", balanced, `"pool": "192.0.2.10 - 192.0.2.19"`, "192.0.2.10-192.0.2.14 HA_server1, 192.0.2.15-192.0.2.19 HA_server2"},
		{"shared, odd", balanced, `"pool": "192.0.2.10 - 192.0.2.12"`, "192.0.2.10-192.0.2.11 HA_server1, 192.0.2.12-192.0.2.12 HA_server2"},
		{"one address", balanced, `"pool": "192.0.2.10 - 192.0.2.10"`, "192.0.2.10-192.0.2.10 everybody's"},
		{"a class", balanced, `"pool": "192.0.2.10 - 192.0.2.19", "client-classes": ["HA_server1"]`, whole},
		{"hot-standby", standby, `"pool": "192.0.2.10 - 192.0.2.19"`, whole},
		{"no HA", "", `"pool": "192.0.2.10 - 192.0.2.19"`, whole},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := config.Parse("share", []byte(`{"Dhcp4": {`+c.ha+` "interfaces-config": {"interfaces": ["*"]},
  "lease-database": {"type": "memfile", "persist": false},
  "subnet4": [{"id": 1, "subnet": "192.0.2.0/24", "pools": [{`+c.pool+`}]}]}}`))
			if err != nil {
				t.Fatal(err)
			}
			p, err := compile(cfg, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := showPools(p); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func showPools(p *plan) string {
	var all []string
	for _, pool := range p.subnets[0].pools {
		owner := "everybody's"
		for name, bit := range p.bits.byName {
			if pool.share == bit {
				owner = name
			}
		}
		all = append(all, fmt.Sprintf("%v-%v %s", netAddr(pool.first), netAddr(pool.last), owner))
	}
	return strings.Join(all, ", ")
}
