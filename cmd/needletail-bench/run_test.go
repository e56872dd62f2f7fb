package main

import (
	"context"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"needletail/bench/load"
	"needletail/bench/record"
	"needletail/bench/report"
)

// server is a Link with a DHCP server behind it that answers at once.
type server struct {
	buf     [1024]byte
	answers [][]byte
	deaf    func() bool
}

func (s *server) Buffer() []byte             { return s.buf[:] }
func (s *server) Flush() error               { return nil }
func (s *server) Wait(d time.Duration) error { time.Sleep(d); return nil }

// Commit answers: the type in the query's first option, the address made of the
// hardware address.
func (s *server) Commit(int) {
	if s.deaf != nil && s.deaf() {
		return
	}
	const udp, bootp, options = 34, 42, 42 + 240
	a := make([]byte, options, options+16)
	copy(a, s.buf[:options])
	a[udp+1], a[udp+3], a[bootp] = 67, 68, 2
	copy(a[bootp+16:], []byte{10, a[bootp+31], a[bootp+32], a[bootp+33]})
	a = append(a, 53, 1, map[byte]byte{1: 2, 3: 5}[s.buf[options+2]], 54, 4, 10, 0, 0, 1, 51, 4, 0, 0, 14, 16, 255)
	a[udp+4], a[udp+5] = byte((len(a)-udp)>>8), byte(len(a)-udp)
	s.answers = append(s.answers, a)
}

func (s *server) Receive(f func([]byte)) error {
	all := s.answers
	s.answers = nil
	for _, a := range all {
		f(a)
	}
	return nil
}

// What run leaves in a file is enough for plots, of a search and of a run at
// one rate.
func TestRunLeavesPlots(t *testing.T) {
	for _, c := range []struct {
		search bool
		works  []string
		plots  []string
	}{
		{true, []string{"sweep/run-dora", "sweep/run-dora", "sweep/run-dora", "run-dora"}, []string{"latency-run-dora.png", "loss-run-dora.png"}},
		{false, []string{"timeline/run-dora"}, []string{"timeline-run-dora.png"}},
	} {
		to := &target{server: "10.0.0.1", search: c.search, output: "a file", confirm: 200 * time.Millisecond, pid: os.Getpid(), cfg: load.Config{
			Clients: 1000, Mix: load.Mix{load.DORA: 1}, Rate: 1000, Duration: 200 * time.Millisecond, Timeout: time.Second, Server: netip.MustParseAddr("10.0.0.1")}}
		g, err := load.New(to.cfg, new(server))
		if err != nil {
			t.Fatal(err)
		}
		var all []record.Record
		result, err := to.measure(t.Context(), g, io.Discard, func(r *record.Record) error { all = append(all, *r); return nil })
		if err != nil || result != all[len(all)-1].Result {
			t.Fatal(result, err)
		}
		var works []string
		for _, r := range all {
			works = append(works, r.Work)
		}
		if got := strings.Join(works, " "); !strings.HasPrefix(got, c.works[0]) || !strings.HasSuffix(got, c.works[len(c.works)-1]) || len(works) < len(c.works) {
			t.Errorf("records %v, want %v", works, c.works)
		}
		dir := t.TempDir()
		if err := report.Write(dir, all); err != nil {
			t.Fatal(err)
		}
		for _, name := range c.plots {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
}

// A server that answers wrongly makes the command fail, whatever the rate.
func TestWrongServerFailsARun(t *testing.T) {
	if err := honest(&load.Result{Completed: 1, Failed: 5}); err != nil {
		t.Errorf("lost exchanges: %v", err)
	}
	for _, r := range []load.Result{{Wrong: 1}, {Duplicates: 1}} {
		if err := honest(&r); err == nil || !strings.Contains(err.Error(), "wrongly") {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// A run that is interrupted leaves what it saw, marked, and another status.
func TestInterruptedRun(t *testing.T) {
	to := &target{server: "10.0.0.1", cfg: load.Config{
		Clients: 1000, Mix: load.Mix{load.DORA: 1}, Rate: 1000, Duration: time.Hour, Timeout: time.Hour, Server: netip.MustParseAddr("10.0.0.1")}}
	g, err := load.New(to.cfg, new(server))
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer interrupt()
	var kept *record.Record
	_, err = to.measure(ctx, g, io.Discard, func(r *record.Record) error { kept = r; return nil })
	if err == nil || status(ctx, 1) != 130 {
		t.Errorf("error %v, status %d", err, status(ctx, 1))
	}
	if kept == nil || !kept.Result.Interrupted || kept.Result.Seconds > 60 {
		t.Errorf("kept %+v", kept)
	}
	if s := status(t.Context(), 0); s != 0 {
		t.Errorf("status %d without an error", s)
	}
	if s := status(t.Context(), 1); s != 1 {
		t.Errorf("status %d after an error", s)
	}
}

// Clients that try again get the time to, unless another is asked for; those
// that --bind binds try again in any case.
func TestRetransmitHasTimeTo(t *testing.T) {
	for _, c := range []struct {
		args string
		want time.Duration
	}{{"", time.Second}, {"--retransmit", load.Patience}, {"--retransmit --timeout 3s", 3 * time.Second}, {"--timeout 3s", 3 * time.Second}} {
		to := &target{cfg: load.Config{ClientID: true}}
		cmd := to.command()
		cmd.SetArgs(append(strings.Fields("-i none --server 10.0.0.1 --server-mac 02:00:00:00:00:01"), strings.Fields(c.args)...))
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		if err := cmd.Execute(); err == nil || to.cfg.Timeout != c.want {
			t.Errorf("%q: timeout %v, want %v; %v", c.args, to.cfg.Timeout, c.want, err)
		}
	}
	first := true
	to := &target{bind: 10, cfg: load.Config{BackOff: 20 * time.Millisecond,
		Clients: 10, Mix: load.Mix{load.Renew: 1}, Rate: 1000, Duration: 10 * time.Millisecond, Timeout: 10 * time.Millisecond, Server: netip.MustParseAddr("10.0.0.1")}}
	g, err := load.New(to.cfg, &server{deaf: func() bool { defer func() { first = false }(); return first }})
	if err != nil {
		t.Fatal(err)
	}
	if err := to.fill(t.Context(), g); err != nil || g.Bound() != 10 {
		t.Errorf("%d of 10 bound, the first message lost: %v", g.Bound(), err)
	}
}
