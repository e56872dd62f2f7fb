package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"needletail/fastpath"
	"needletail/internal/config"
	"needletail/internal/netif/nettest"
)

// Workers go by the configured interfaces: the queues of others do not count.
func TestQueueWorkers(t *testing.T) {
	lab := nettest.ForTest(t)
	here, err := lab.Namespace("srv")
	if err != nil {
		t.Fatal(err)
	}
	there, err := lab.Namespace("cli")
	if err != nil {
		t.Fatal(err)
	}
	for name, queues := range map[string]int{"one": 1, "many": 8} {
		if err := lab.Veth(here, name, there, name, queues); err != nil {
			t.Fatal(err)
		}
	}
	cpus := processors
	for _, c := range []struct {
		names []string
		queue []int
		want  int
	}{
		{[]string{"one"}, nil, 1},
		{[]string{"many"}, nil, min(8, cpus)},
		{[]string{"one", "many"}, nil, min(8, cpus)},
		{[]string{"not-there-yet"}, nil, 1},
		{[]string{"many"}, []int{3}, 1},
	} {
		cfg := new(config.Dhcp4)
		for _, n := range c.names {
			cfg.Interfaces.Names = append(cfg.Interfaces.Names, config.InterfaceName{Name: n})
		}
		cfg.Needletail.FastPath.Queues = c.queue
		var got int
		if err := here.Do(func() error { got = queueWorkers(cfg); return nil }); err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%v, queues %v: %d workers, want %d", c.names, c.queue, got, c.want)
		}
	}
}

// A mode that is asked for by name and cannot be had keeps the server from
// starting; "auto" does not. A loopback has no native XDP.
func TestModeInsistedOn(t *testing.T) {
	here, err := nettest.ForTest(t).Namespace("srv")
	if err != nil {
		t.Fatal(err)
	}
	for mode, refused := range map[string]bool{"auto": false, "native": true, "generic": false} {
		file := filepath.Join(t.TempDir(), "dhcp4.conf")
		document := fmt.Sprintf(`{"Dhcp4": {"interfaces-config": {"interfaces": ["lo"], "dhcp-socket-type": "udp"},
			"lease-database": {"type": "memfile", "persist": false},
			"user-context": {"needletail": {"fast-path": {"xdp": %q}}}}}`, mode)
		if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		fast := new(FastPath)
		o := Options{File: file, Stdout: t.Output(), Stderr: t.Output(), Joiners: []Joiner{fast.Join}, Ports: []PortSource{fast.Ports}}
		err := here.Do(func() error {
			if err := here.SetUp("lo", true); err != nil {
				return err
			}
			s, err := start(t.Context(), func() {}, o)
			if err == nil {
				s.undoAll()
			}
			return err
		})
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "no native XDP") {
			t.Errorf("xdp %s: %v", mode, err)
		}
	}
}

// What status-get says of AF_XDP: zero-copy only where no queue is copied.
func TestSocketMode(t *testing.T) {
	for want, a := range map[string]fastpath.Active{
		"off": {}, "copy": {Sockets: 2, ZeroCopy: 1}, "zero-copy": {Sockets: 2, ZeroCopy: 2},
	} {
		if got := socketMode(a); got != want {
			t.Errorf("%+v: %q, want %q", a, got, want)
		}
	}
}
