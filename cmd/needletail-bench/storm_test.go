package main

import (
	"io"
	"net/netip"
	"testing"
	"time"

	"needletail/bench/load"
	"needletail/bench/record"
)

// A storm of reboots binds its clients first; each comes back once, and the
// record tells when the last was bound.
func TestStormOfReboots(t *testing.T) {
	s := &stormTarget{target: target{name: "storm", server: "10.0.0.1", bindRate: 2000, cfg: load.Config{
		Clients: 200, Timeout: load.Patience, Server: netip.MustParseAddr("10.0.0.1")}}, within: 200 * time.Millisecond, reboot: true}
	if err := s.settle(); err != nil {
		t.Fatal(err)
	}
	s.cfg.Mix = load.Mix{load.InitReboot: 1}
	g, err := load.New(s.cfg, new(server))
	if err != nil {
		t.Fatal(err)
	}
	var kept *record.Record
	if _, err := s.measure(t.Context(), g, io.Discard, func(r *record.Record) error { kept = r; return nil }); err != nil {
		t.Fatal(err)
	}
	if kept.Work != "timeline/storm" || kept.Result.Done[load.InitReboot] < 199 || kept.Values["last_bound_s"] <= 0 || kept.Values["unbound"] != 0 {
		t.Errorf("%+v, %+v", kept, kept.Result)
	}
}

// Clients that try again at an interval tell how long nobody answered.
func TestRetryEveryTimesAnOutage(t *testing.T) {
	begin := time.Now()
	away := func() bool { d := time.Since(begin); return d > 200*time.Millisecond && d < 500*time.Millisecond }
	to := &target{cfg: load.Config{Clients: 1000, Mix: load.Mix{load.DORA: 1}, Rate: 200, Duration: time.Second, Timeout: load.Patience,
		Retransmit: true, FlatRetry: true, BackOff: 10 * time.Millisecond, Server: netip.MustParseAddr("10.0.0.1")}}
	g, err := load.New(to.cfg, &server{deaf: away})
	if err != nil {
		t.Fatal(err)
	}
	var kept *record.Record
	if _, err := to.measure(t.Context(), g, io.Discard, func(r *record.Record) error { kept = r; return nil }); err != nil {
		t.Fatal(err)
	}
	if ms := kept.Values["longest_wait_ms"]; ms < 250 || kept.Result.Failed != 0 || kept.Work != "timeline/run-dora" {
		t.Errorf("an outage of 300 ms: %+v", kept)
	}
}
