package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"needletail/internal/netif/nettest"
	"needletail/internal/testbed"
)

// program is the appliance, built once for all tests.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "needletail-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755)
	program = filepath.Join(dir, "needletail")
	if out, err := exec.Command("go", "build", "-o", program, "needletail/cmd/needletail").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the appliance: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// bed is one test's network with a server host at 192.0.2.1.
type bed struct {
	*testbed.Bed
	lab    *nettest.Lab
	server *nettest.Namespace
}

// newBed makes the network, or skips without root or without the programs that
// the test needs.
func newBed(t *testing.T, programs ...string) bed {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed (make deps)", p)
		}
	}
	lab := nettest.ForTest(t)
	b, err := testbed.Open(t.Context(), lab)
	must(t, err)
	t.Cleanup(func() { b.Close() })
	server, err := b.Host(t.Context(), "server", "192.0.2.1/24")
	must(t, err)
	return bed{b, lab, server}
}

// host adds a host to the network.
func (b bed) host(t *testing.T, name, cidr string) *nettest.Namespace {
	t.Helper()
	h, err := b.Host(t.Context(), name, cidr)
	must(t, err)
	return h
}

// direct connects the server host by a new eth0, with an address, to a new
// host.
func (b bed) direct(t *testing.T, cidr string) *nettest.Namespace {
	t.Helper()
	h, err := b.lab.Namespace(fmt.Sprint("direct", time.Now().UnixNano()%1e6))
	must(t, err)
	must(t, b.lab.Veth(b.server, "eth0", h, "eth0"))
	must(t, b.server.Address("eth0", cidr))
	return h
}

// serve starts the appliance on the server host.
func (b bed) serve(t *testing.T, config string) *testbed.Appliance {
	t.Helper()
	a, err := b.Serve(deadline(t, 30*time.Second), b.server, program, config)
	must(t, err)
	return a
}

// config is a configuration with one subnet; extra are more members of Dhcp4
// and of the subnet, each ending in a comma.
func (b bed) config(dhcp4, subnet string) string {
	return fmt.Sprintf(`{ "Dhcp4": { %s
  "interfaces-config": { "interfaces": [ "eth0" ] },
  "lease-database": { "type": "memfile", "persist": true, "name": "%s/leases.csv" },
  "control-socket": { "socket-type": "unix", "socket-name": "%s" },
  "loggers": [ { "name": "kea-dhcp4", "severity": "INFO", "output_options": [ { "output": "stdout" } ] } ],
  "subnet4": [ { %s "id": 1, "subnet": "192.0.0.0/16", "relay": { "ip-addresses": [ "192.0.2.2" ] },
    "pools": [ { "pool": "192.0.16.0 - 192.0.255.254" } ],
    "option-data": [ { "name": "routers", "data": "192.0.2.1" } ] } ] } }
`, dhcp4, b.Dir, b.Socket(b.server), subnet)
}

// deadline is a bound on waiting that only a broken run reaches.
func deadline(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// statistic is the value of one statistic, as text.
func statistic(t *testing.T, a *testbed.Appliance, name string) string {
	t.Helper()
	answer, err := a.Command("statistic-get", `{"name":"`+name+`"}`)
	must(t, err)
	_, value, _ := strings.Cut(string(answer.Arguments), "[[")
	value, _, _ = strings.Cut(value, ",")
	return value
}

// awaitStatistic waits for a statistic to have a value.
func awaitStatistic(t *testing.T, a *testbed.Appliance, name, want string) {
	t.Helper()
	got := ""
	for range 250 {
		if got = statistic(t, a, name); got == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%s is %s, want %s", name, got, want)
}
