package e2eha

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// setup says what a pair, with or without a backup, is like. The zero value is
// two needletails in load-balancing with fast timers.
type setup struct {
	mode      string         // load-balancing
	roles     []string       // by server; of the mode
	kea       []int          // which servers, from 1, are Kea
	agent     bool           // Kea is single threaded, behind a kea-ctrl-agent
	single    bool           // needletails are, and open an HTTP control socket for their partners
	fast      string         // user-context fast-path xdp of needletails: off
	heartbeat int            // ms; 500
	dead      int            // max-response-delay, ms; 2500
	shared    bool           // one pool for all, not split by class
	pool      string         // of its own, for all
	more      string         // members of the relationship, each ending in a comma
	unacked   int            // max-unacked-clients
	own       string         // members of user-context.needletail, each ending in a comma
	disks     map[int]string // where a server has its leases
	lifetime  int            // s; 3600
}

func (o *setup) isKea(n int) bool { return slices.Contains(o.kea, n) }

// dedicated listeners need the threads of Kea to be switched on. Of the queries
// beyond parked-packet-limit, 256 as it comes, a Kea has changed the lease already
// when it drops them: its table is then ahead of its partner's.
const document = `{ "Dhcp4": {
 "interfaces-config": { "interfaces": [ "eth0" ] },
 "control-socket": { "socket-type": "unix", "socket-name": "%[1]s" },
 "lease-database": { "type": "memfile", "persist": true, "name": "%[2]s/leases.csv", "lfc-interval": 0 },
 "parked-packet-limit": 4096,
 "multi-threading": { "enable-multi-threading": %[3]t, "thread-pool-size": 2, "packet-queue-size": 64 },
 "valid-lifetime": %[4]d, %[9]s
 "hooks-libraries": [
  { "library": "%[5]s/libdhcp_lease_cmds.so" },
  { "library": "%[5]s/libdhcp_ha.so", "parameters": { "high-availability": [ %[6]s ] } } ],
 "subnet4": [ %[7]s ],
 "user-context": { "needletail": { %[10]s "durability": "os", "fast-path": { "xdp": %[8]q } } },
 "loggers": [ { "name": "kea-dhcp4", "severity": "INFO", "output_options": [ { "output": "stdout", "flush": true } ] } ] } }
`

// hooks is where Debian keeps Kea's hook libraries.
func hooks() string {
	if found, _ := filepath.Glob("/usr/lib/*/kea/hooks"); len(found) > 0 {
		return found[0]
	}
	return "/usr/lib/kea/hooks"
}

// config is the document of server n.
func (o *setup) config(m *member, n int) string {
	disk := cmp.Or(o.disks[n], m.dir)
	cache := `"cache-threshold": 0.0,` // off, which Kea 2.2 is and cannot be told
	if m.kea {
		cache = ""
	}
	single := m.agent || o.single && !m.kea
	text := fmt.Sprintf(document, m.socket(), disk, !single, cmp.Or(o.lifetime, 3600), hooks(), o.relationship(n, !single), o.subnet(), cmp.Or(o.fast, "off"), cache, o.own)
	if single && !m.kea {
		unix := fmt.Sprintf(`{ "socket-type": "unix", "socket-name": %q }`, m.socket())
		http := fmt.Sprintf(`{ "socket-type": "http", "socket-address": "10.77.0.%d", "socket-port": 8000 }`, n)
		text = strings.Replace(text, `"control-socket": `+unix, `"control-sockets": [ `+unix+", "+http+" ]", 1)
	}
	return text
}

func (o *setup) relationship(n int, listens bool) string {
	mode := cmp.Or(o.mode, "load-balancing")
	roles := o.roles
	if roles == nil {
		roles = map[string][]string{"load-balancing": {"primary", "secondary"}, "hot-standby": {"primary", "standby"}, "passive-backup": {"primary", "backup"}}[mode]
	}
	var peers []string
	for i, role := range roles {
		peers = append(peers, fmt.Sprintf(`{ "name": "server%d", "url": "http://10.77.0.%d:8000/", "role": %q, "auto-failover": true }`, i+1, i+1, role))
	}
	return fmt.Sprintf(`{ "this-server-name": "server%d", "mode": %q, %s
    "heartbeat-delay": %d, "max-response-delay": %d, "max-ack-delay": 1000, "max-unacked-clients": %[8]d,
    "multi-threading": { "enable-multi-threading": %[6]t, "http-dedicated-listener": %[6]t, "http-listener-threads": 2, "http-client-threads": 2 },
    "peers": [ %s ] }`, n, mode, o.more, cmp.Or(o.heartbeat, 500), cmp.Or(o.dead, 2500), listens, strings.Join(peers, ",\n      "), o.unacked)
}

// subnet holds the relay; its pool is split between two servers by class, in
// halves, as Kea's manual advises.
func (o *setup) subnet() string {
	pools := `{ "pool": "192.0.16.0 - 192.0.127.255", "client-class": "HA_server1" }, { "pool": "192.0.128.0 - 192.0.255.254", "client-class": "HA_server2" }`
	if o.pool != "" {
		pools = fmt.Sprintf(`{ "pool": %q }`, o.pool)
	} else if o.shared || o.mode != "" && o.mode != "load-balancing" {
		pools = `{ "pool": "192.0.16.0 - 192.0.255.254" }`
	}
	return fmt.Sprintf(`{ "id": 1, "subnet": "192.0.0.0/16", "pools": [ %s ] }`, pools)
}
