package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"time"

	"needletail/internal/netif/nettest"
	"needletail/internal/testbed"
)

// haConfig is the document of a server of a pair with a link of its own between
// the servers. It is in the words of Kea 2.2, which both understand.
func (s *haServer) document() string {
	second, pools := "secondary", `{ "pool": "192.0.16.0 - 192.0.31.255", "client-class": "HA_server1" }, { "pool": "192.0.32.0 - 192.0.47.255", "client-class": "HA_server2" }`
	if s.mode == "hot-standby" {
		second, pools = "standby", `{ "pool": "192.0.16.0 - 192.0.47.255" }`
	}
	return fmt.Sprintf(`{ "Dhcp4": {
  "interfaces-config": { "interfaces": [ "eth0" ], "dhcp-socket-type": "raw" },
  "lease-database": { "type": "memfile", "persist": true, "name": "%[1]s/%[2]s.csv", "lfc-interval": 0 },
  "control-socket": { "socket-type": "unix", "socket-name": "%[3]s" },
  "multi-threading": { "enable-multi-threading": true, "thread-pool-size": 2, "packet-queue-size": 64 },
  "valid-lifetime": 3600,
  "hooks-libraries": [
    { "library": "/usr/lib/x86_64-linux-gnu/kea/hooks/libdhcp_lease_cmds.so" },
    { "library": "/usr/lib/x86_64-linux-gnu/kea/hooks/libdhcp_ha.so", "parameters": { "high-availability": [ {
      "this-server-name": "server%[4]d", "mode": "%[7]s",
      "heartbeat-delay": %[5]d, "max-response-delay": %[6]d, "max-ack-delay": 1000, "max-unacked-clients": 0,
      "multi-threading": { "enable-multi-threading": true, "http-dedicated-listener": true, "http-listener-threads": 2, "http-client-threads": 2 },
      "peers": [
        { "name": "server1", "url": "http://10.9.9.1:8001/", "role": "primary", "auto-failover": true },
        { "name": "server2", "url": "http://10.9.9.2:8001/", "role": "%[8]s", "auto-failover": true } ] } ] } } ],
  "subnet4": [ { "id": 1, "subnet": "192.0.0.0/16", "interface": "eth0",
    "pools": [ %[9]s ] } ],
  "loggers": [ { "name": "kea-dhcp4", "severity": "INFO", "output_options": [ { "output": "stdout" } ] } ] } }
`, s.b.Dir, s.host.Name, s.b.Socket(s.host), s.n, s.heartbeat.Milliseconds(), s.response.Milliseconds(), s.mode, second, pools)
}

// haServer is one of the pair: a needletail or a Kea.
type haServer struct {
	b    bed
	host *nettest.Namespace
	n    int
	kea  bool
	mode string
	// heartbeat-delay and max-response-delay
	heartbeat, response time.Duration
	*testbed.Appliance
}

func (s *haServer) start(t *testing.T) {
	t.Helper()
	config := s.document()
	if !s.kea {
		a, err := s.b.Serve(deadline(t, 30*time.Second), s.host, program, config)
		must(t, err)
		s.Appliance = a
		return
	}
	file, err := s.b.Write(s.host.Name+".conf", config)
	must(t, err)
	a, err := s.b.Start(s.host, []string{"kea-dhcp4", "-c", file}, "KEA_PIDFILE_DIR="+s.b.Dir, "KEA_LOCKFILE_DIR="+s.b.Dir)
	must(t, err)
	a.Socket = s.b.Socket(s.host)
	s.Appliance = a
}

// reach waits for an HA state.
func (s *haServer) reach(t *testing.T, state string) {
	t.Helper()
	for range 1500 {
		var is struct{ State string }
		if a, err := s.Command("ha-heartbeat", ""); err == nil && json.Unmarshal(a.Arguments, &is) == nil && is.State == state {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s does not reach %s; its log:\n%s", s.host.Name, state, s.Log())
}

// table is all leases, by address.
func (s *haServer) table(t *testing.T) map[string]string {
	t.Helper()
	a, err := s.Command("lease4-get-all", "")
	must(t, err)
	var in struct{ Leases []map[string]any }
	must(t, json.Unmarshal(a.Arguments, &in))
	out := map[string]string{}
	for _, l := range in.Leases {
		raw, _ := json.Marshal(l)
		out[l["ip-address"].(string)] = string(raw)
	}
	return out
}

// load has perfdhcp take leases for clients numbered from first, as a relay
// that reaches both servers.
func load(t *testing.T, from *nettest.Namespace, first int) {
	t.Helper()
	out, err := from.Output(deadline(t, 60*time.Second), "perfdhcp", "-4", "-l", "eth0", "-R", "150", "-r", "60", "-p", "2", "-W", "2000000",
		"-b", fmt.Sprintf("mac=02:00:00:%02x:00:00", first))
	report := string(out)
	sent, received := rows(t, report, "sent packets"), rows(t, report, "received packets")
	if len(sent) < 2 || sent[1] == 0 || received[0] < sent[0]-sent[0]/20-2 || received[1] < sent[1]-sent[1]/20-2 {
		t.Errorf("perfdhcp: %v, sent %v, received %v\n%s", err, sent, received, report)
	}
}

func same(t *testing.T, one, two *haServer) {
	t.Helper()
	a, b := one.table(t), two.table(t)
	for addr, l := range a {
		if b[addr] != l {
			t.Errorf("%s: %s has\n%s, %s\n%s", addr, one.host.Name, l, two.host.Name, b[addr])
		}
	}
	if !maps.Equal(a, b) || len(a) == 0 {
		t.Errorf("%d leases and %d", len(a), len(b))
	}
}

// Two needletails, or one and a real Kea 2.2.0, serve as one, with real
// clients: each takes its share, both have all leases, each survives the
// other's death and takes it back.
func TestPairWithPerfdhcp(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	for _, c := range []struct {
		name, mode string
		kea        int // which server; 0: none
	}{
		{"load-balancing/two needletails", "load-balancing", 0},
		{"load-balancing/kea is server1", "load-balancing", 1},
		{"load-balancing/kea is server2", "load-balancing", 2},
		{"hot-standby/kea is server1", "hot-standby", 1},
		{"hot-standby/kea is server2", "hot-standby", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // they wait more than they work
			b := newBed(t, "perfdhcp", "kea-dhcp4")
			servers, clients := pair(t, b, 300*time.Millisecond, 2*time.Second)
			for _, s := range servers {
				s.mode, s.kea = c.mode, s.n == c.kea
				s.start(t)
			}
			pairLives(t, servers, clients)
		})
	}
}

// pair makes the hosts of two servers and of their clients; it starts nothing.
func pair(t *testing.T, b bed, heartbeat, response time.Duration) (servers [2]*haServer, clients *nettest.Namespace) {
	t.Helper()
	for i := range servers {
		host := b.host(t, fmt.Sprint("server", i+1), fmt.Sprintf("192.0.2.1%d/16", i+1))
		servers[i] = &haServer{b: b, host: host, n: i + 1, mode: "load-balancing", heartbeat: heartbeat, response: response}
	}
	must(t, b.Veth(servers[0].host, "ha0", servers[1].host, "ha0"))
	for i, s := range servers {
		must(t, s.host.Address("ha0", fmt.Sprintf("10.9.9.%d/24", i+1)))
	}
	return servers, b.host(t, "load", "192.0.2.2/16")
}

// pairLives kills one server, then the other, with clients coming all the time.
func pairLives(t *testing.T, servers [2]*haServer, clients *nettest.Namespace) {
	t.Helper()
	settled := func() {
		t.Helper()
		for _, s := range servers {
			s.reach(t, s.mode)
		}
	}
	settled()
	load(t, clients, 1)
	same(t, servers[0], servers[1])
	servers[0].shared(t)
	for i, dies := range servers {
		dies.Kill()
		servers[1-i].reach(t, "partner-down")
		load(t, clients, 2+i)
		dies.start(t)
		settled()
		same(t, servers[0], servers[1])
	}
	load(t, clients, 4)
	same(t, servers[0], servers[1])
}

// shared checks by the pools who gave out the leases: both where load is
// balanced.
func (s *haServer) shared(t *testing.T) {
	t.Helper()
	shares := [2]int{}
	for addr := range s.table(t) {
		shares[netip.MustParseAddr(addr).As4()[2]/32]++ // pools begin at .16 and .32
	}
	if s.mode == "load-balancing" && (shares[0] == 0 || shares[1] == 0) {
		t.Errorf("one server took all clients: %v", shares)
	}
}
