package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"needletail/internal/netif/nettest"
	"needletail/internal/testbed"
)

// limit is how long the whole story may take; it takes about half a minute.
const limit = 2 * time.Minute

// config is one server of the pair: its number, the folder of its leases, its
// control socket. dhclient renews by itself only, so the renewal time is short;
// the HA timers are the shortest that two needletails are made for.
const config = `{ "Dhcp4": {
  "interfaces-config": { "interfaces": [ "eth0" ] },
  "lease-database": { "type": "memfile", "persist": true, "name": "%[2]s/server%[1]d.csv" },
  "control-socket": { "socket-type": "unix", "socket-name": "%[3]s" },
  "valid-lifetime": 600, "renew-timer": 4, "rebind-timer": 7, "cache-threshold": 0.0,
  "hooks-libraries": [
    { "library": "libdhcp_lease_cmds.so" },
    { "library": "libdhcp_ha.so", "parameters": { "high-availability": [ {
      "this-server-name": "server%[1]d", "mode": "load-balancing",
      "heartbeat-delay": 100, "max-response-delay": 300, "max-unacked-clients": 0,
      "peers": [
        { "name": "server1", "url": "http://10.77.0.1:8000/", "role": "primary" },
        { "name": "server2", "url": "http://10.77.0.2:8000/", "role": "secondary" } ] } ] } } ],
  "subnet4": [ {
    "id": 1, "subnet": "192.0.2.0/24",
    "pools": [
      { "pool": "192.0.2.100 - 192.0.2.149", "client-classes": [ "HA_server1" ] },
      { "pool": "192.0.2.150 - 192.0.2.199", "client-classes": [ "HA_server2" ] } ],
    "option-data": [ { "name": "routers", "data": "192.0.2.1" }, { "name": "domain-name-servers", "data": "192.0.2.53" } ] } ] } }
`

// story is one run. Its goroutine is the caller's.
type story struct {
	out     io.Writer
	binary  string
	bed     *testbed.Bed
	servers [2]*server
	clients []*client
}

// server is one of the pair, through its lives.
type server struct {
	name  string
	host  *nettest.Namespace
	app   *testbed.Appliance
	shown int // bytes of its log looked at
}

// client is a real one.
type client struct {
	*testbed.Client
	name, addr string
}

// Run plays the demonstration with the appliance at binary, and prints it. When
// ctx ends it stops where it is and cleans up.
func Run(ctx context.Context, out io.Writer, binary string) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("the demonstration makes network namespaces: run it as root")
	}
	for _, program := range []string{"dhclient", "udhcpc", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed: make deps", program)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s := &story{out: out, binary: binary}
	if s.bed, err = testbed.Open(ctx, nettest.Open()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.bed.Close()) }()
	for _, chapter := range []func(context.Context) error{s.network, s.serve, s.take, s.renew, s.powerCut, s.back, s.release, s.end} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}
