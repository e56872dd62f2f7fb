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

// wired makes a namespace with interfaces of so many queues each; what they are
// wired to is nobody's.
func wired(t *testing.T, queues map[string]int) *nettest.Namespace {
	t.Helper()
	lab := nettest.ForTest(t)
	here, err := lab.Namespace("srv")
	if err != nil {
		t.Fatal(err)
	}
	there, err := lab.Namespace("cli")
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range queues {
		if err := lab.Veth(here, name, there, name, n); err != nil {
			t.Fatal(err)
		}
	}
	return here
}

// Workers go by the configured interfaces: the queues of others do not count.
func TestQueueWorkers(t *testing.T) {
	here := wired(t, map[string]int{"one": 1, "many": 8})
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
	if err := here.SetUp("lo", true); err != nil {
		t.Fatal(err)
	}
	for mode, refused := range map[string]bool{"auto": false, "native": true, "generic": false} {
		s, err := startWith(t, here, `"interfaces": ["lo"], "dhcp-socket-type": "udp"`, fmt.Sprintf(`"xdp": %q`, mode), new(FastPath))
		if err == nil {
			s.undoAll()
		}
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "no native XDP") {
			t.Errorf("xdp %s: %v", mode, err)
		}
	}
}

// What the configuration says reaches the fast path, and status-get tells what came
// of it.
func TestFastPathAsConfigured(t *testing.T) {
	here := wired(t, map[string]int{"eth0": 2})
	for _, c := range []struct {
		settings string
		want     map[string]any // of the interface
		remark   string
		workers  int
		cpu      int // of the first worker
	}{
		{`"af-xdp": "on"`, map[string]any{"xdp": "native", "queues": 2, "af-xdp": "copy", "af-xdp-queues": 2}, "rxvlan", min(2, processors), -1},
		{`"af-xdp": "off"`, map[string]any{"xdp": "native", "queues": 2, "af-xdp": "off", "af-xdp-queues": 0}, "", 0, -1},
		{`"af-xdp": "zero-copy"`, map[string]any{"xdp": "native", "af-xdp": "copy", "af-xdp-queues": 2}, "no zero-copy on queue 0", min(2, processors), -1},
		{`"queues": [ 1 ]`, map[string]any{"xdp": "native", "queues": 2, "af-xdp-queues": 1}, "", 1, -1},
		{`"cpus": [ 0 ], "queues": [ 0 ]`, map[string]any{"xdp": "native", "af-xdp-queues": 1}, "", 1, 0},
		{`"xdp": "generic"`, map[string]any{"xdp": "generic", "af-xdp-queues": 2}, "", min(2, processors), -1},
	} {
		fast := new(FastPath)
		s, err := startWith(t, here, onWire, c.settings, fast)
		if err != nil {
			t.Errorf("%s: %v", c.settings, err)
			continue
		}
		report := fast.report()
		if report["workers"] != c.workers || fast.path.CPU(0) != c.cpu {
			t.Errorf("%s: %v workers, the first on CPU %d, want %d and %d", c.settings, report["workers"], fast.path.CPU(0), c.workers, c.cpu)
		}
		of := report["interfaces"].([]any)[0].(map[string]any)
		for name, want := range c.want {
			if of[name] != want {
				t.Errorf("%s: %s is %v, want %v", c.settings, name, of[name], want)
			}
		}
		if remarks := strings.Join(of["remarks"].([]string), "; "); !strings.Contains(remarks, c.remark) {
			t.Errorf("%s: remarks %q, want %q", c.settings, remarks, c.remark)
		}
		s.undoAll()
	}
	off := new(FastPath)
	s, err := startWith(t, here, onWire, `"xdp": "off"`, off)
	if err != nil {
		t.Fatal(err)
	}
	if r := off.report(); off.path != nil || r["xdp"] != "off" || r["reason"] != "the configuration says so" {
		t.Errorf("off: %v", r)
	}
	s.undoAll()
}

// onWire is the interfaces-config of a server on eth0.
const onWire = `"interfaces": ["eth0"]`

// startWith starts a server in a namespace with these interfaces and fast-path settings.
func startWith(t *testing.T, here *nettest.Namespace, interfaces, settings string, fast *FastPath) (s *Server, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dhcp4.conf")
	document := fmt.Sprintf(`{"Dhcp4": {"interfaces-config": {%s}, "lease-database": {"type": "memfile", "persist": false},
		"user-context": {"needletail": {"fast-path": {%s}}}}}`, interfaces, settings)
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{File: file, Stdout: t.Output(), Stderr: t.Output(), Joiners: []Joiner{fast.Join}, Ports: []PortSource{fast.Ports}}
	err = here.Do(func() (err error) { s, err = start(t.Context(), func() {}, o); return err })
	return s, err
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
