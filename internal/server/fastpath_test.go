package server

import (
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
