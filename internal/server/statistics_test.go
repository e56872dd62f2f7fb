package server

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/leases"
	"needletail/slowpath"
)

// Options that a reply has no room for are told by statistics and metrics: three
// of 200 bytes where 576 are the limit (RFC 2131 section 2).
func TestOptionsLeftOut(t *testing.T) {
	long := strings.Repeat("x", 200)
	cfg, err := config.Parse("test", fmt.Appendf(nil, `{ "Dhcp4": { "lease-database": { "type": "memfile", "persist": false },
		"subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.16/28" } ], "option-data": [
		{ "name": "domain-name", "data": %q, "always-send": true }, { "name": "root-path", "data": %[1]q, "always-send": true },
		{ "name": "tftp-server-name", "data": %[1]q, "always-send": true } ] } ] } }`, long))
	if err != nil {
		t.Fatal(err)
	}
	store := storeWith(t, 0)
	engine, err := slowpath.NewEngine(cfg, store, []slowpath.Interface{{Name: "lo", Index: 1, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}})
	if err != nil {
		t.Fatal(err)
	}
	m := make([]byte, 240, 300)
	copy(m, []byte{1, 1, 6})
	copy(m[236:], []byte{99, 130, 83, 99})
	q := frame.Query{IfIndex: 1, Message: append(m, 53, 1, 1, 255)}
	r := frame.Reply{Buf: make([]byte, frame.Headroom+frame.MessageMax)}
	if out := engine.NewWorker().Handle(&q, &r, new(leases.Batch), 0, time.Now()); !out.Reply {
		t.Fatalf("no offer: %+v", out)
	}
	s := &Server{engine: engine, store: store, workers: &workers{health: slowpath.NewHealth(nil)}}
	if n := s.statistics()["pkt4-options-left-out"]; n == 0 || n != engine.Stats().LeftOut {
		t.Errorf("pkt4-options-left-out is %d, the engine left out %d", n, engine.Stats().LeftOut)
	}
	if n := gather(t, &collector{engine, s.workers, &s.eventsLost})["needletail_options_left_out_total"]; n != float64(engine.Stats().LeftOut) {
		t.Errorf("needletail_options_left_out_total is %v, the engine left out %d", n, engine.Stats().LeftOut)
	}
}

// gather returns a collector's counters and gauges without labels.
func gather(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(c)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.Metric {
			if len(m.Label) == 0 {
				all[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return all
}
