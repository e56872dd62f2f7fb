package suite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
)

func testSuite(t *testing.T, out *bytes.Buffer) *Suite {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	if testing.Short() {
		t.Skip("starts servers")
	}
	return &Suite{Run: "test", Out: out, Say: t.Logf, Dir: t.TempDir(), Clients: 1000, Trial: 200 * time.Millisecond}
}

// play lets clients get leases and use them, gently enough that everything
// must succeed, also on a busy machine, if they try again.
func play(t *testing.T, s *Suite, p *peer.Peer, setup peer.Setup, mixes ...string) {
	t.Helper()
	if _, err := p.Find(); err != nil {
		t.Skip(err)
	}
	err := s.single(context.Background(), Contender{Peer: p}, setup, func(st *site, setup *peer.Setup) error {
		cfg := st.config(60, setup.Relays())
		cfg.Retransmit, cfg.BackOff, cfg.Timeout = true, 500*time.Millisecond, 60*time.Second // slow is not wrong
		g, err := load.New(cfg, st.link)
		if err != nil {
			return err
		}
		if err := g.Drain(time.Second); err != nil { // what a slow server still answers to the clients that waited for it
			return err
		}
		for _, name := range mixes {
			mix, err := load.ParseMix(name)
			if err != nil {
				return err
			}
			g.Set(mix, 100, 300*time.Millisecond, true)
			r, err := g.Run(t.Context())
			if err != nil {
				return err
			}
			if r.Completed != 30 || r.Wrong+r.Duplicates+r.Strangers+r.Malformed > 0 {
				t.Errorf("%s, %s: %+v", p.Name, name, r)
			}
		}
		if who := st.about(p, setup); who.Version == "" || who.Mode == "" || who.Servers != 1 {
			t.Errorf("%+v", who)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var everything = []string{"dora", "renew", "rebind", "init-reboot", "inform", "renew:2,dora:1", "release"}

func TestKeaOverXDP(t *testing.T) {
	play(t, testSuite(t, new(bytes.Buffer)), peer.Kea(), base(), append(everything, "dora", "decline")...)
}

func TestKeaOverOtherMedia(t *testing.T) {
	for _, m := range []load.Medium{load.PacketMedium, load.LiveMedium} {
		s := testSuite(t, new(bytes.Buffer))
		s.Medium = m
		play(t, s, peer.Kea(), base(), "dora", "renew")
	}
}

// Who receives through a socket gets no live frames unless they are asked for.
func TestMediumOfContender(t *testing.T) {
	for _, c := range []struct {
		asked load.Medium
		xdp   string
		want  load.Medium
	}{
		{"", "", load.AFXDPMedium}, {load.AnyMedium, "off", load.AFXDPMedium}, {load.AnyMedium, "native", load.AnyMedium},
		{load.LiveMedium, "", load.LiveMedium}, {load.PacketMedium, "native", load.PacketMedium},
	} {
		if got := (&Suite{Medium: c.asked}).medium(Contender{XDP: c.xdp}); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestRelayedServers(t *testing.T) {
	setup := base()
	setup.Agents = 4
	for _, p := range []*peer.Peer{peer.Kea(), peer.ISC(), peer.Dnsmasq()} {
		t.Run(p.Name, func(t *testing.T) {
			play(t, testSuite(t, new(bytes.Buffer)), p, setup, "dora", "renew")
		})
	}
}

// ISC dhcpd answers clients that have an address through the kernel, which asks
// for their hardware addresses.
func TestDirectISC(t *testing.T) {
	for _, m := range []load.Medium{load.AFXDPMedium, load.LiveMedium, load.PacketMedium} {
		t.Run(string(m), func(t *testing.T) {
			s := testSuite(t, new(bytes.Buffer))
			s.Medium = m
			play(t, s, peer.ISC(), base(), "dora", "renew", "rebind", "inform", "init-reboot", "release")
		})
	}
}

func TestTwoQueues(t *testing.T) {
	setup := base()
	setup.Workers = 2
	play(t, testSuite(t, new(bytes.Buffer)), peer.Kea(), setup, "dora", "renew")
}

// A measurement writes what a reader needs to judge it.
func TestRecordIsComplete(t *testing.T) {
	var out bytes.Buffer
	s := testSuite(t, &out)
	if _, err := peer.Kea().Find(); err != nil {
		t.Skip(err)
	}
	// So much work that Kea's processor time, told in steps of 10 ms, is above 0.
	if err := s.fixed(context.Background(), Contender{Peer: peer.Kea()}, "x", 2000, time.Second, map[string]float64{"more": 1}); err != nil {
		t.Fatal(err)
	}
	all, err := record.Read(strings.NewReader(out.String()), "test")
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	r := all[0]
	if r.Run != "test" || r.Result.Completed == 0 || r.CPU.Server <= 0 || r.CPU.Generator <= 0 || r.Values["more"] != 1 || r.Time.IsZero() {
		t.Errorf("%+v", r)
	}
	if e := r.Environment; e.Driver != "veth" || e.XDP == "" || e.CPU == "" || e.Kernel == "" {
		t.Errorf("%+v", e)
	}
	if w := r.Server; w.Durability == "" || w.Mode == "" || w.Version == "" {
		t.Errorf("%+v", w)
	}
}

// The leases written for a server are found in it, and a refused flood is
// counted by the server itself.
func TestKeaWithLeasesAndFlood(t *testing.T) {
	var out bytes.Buffer
	s := testSuite(t, &out)
	if _, err := peer.Kea().Find(); err != nil {
		t.Skip(err)
	}
	if err := s.Start(context.Background(), Contender{Peer: peer.Kea()}, 1000); err != nil {
		t.Fatal(err)
	}
	all, err := record.Read(strings.NewReader(out.String()), "test")
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	r := all[0]
	if r.Values["start_ms"] <= 0 || r.Values["rss_bytes"] <= 0 || r.Values["cpu_us_per_exchange"] <= 0 || r.Result == nil || r.Point != 1000 {
		t.Errorf("%+v", r)
	}
	err = s.pair(context.Background(), Contender{Peer: peer.Kea()}, newHalfSite, func(st *site, setup *peer.Setup) error {
		f, err := st.flood(floodOthers)
		if err != nil {
			return err
		}
		defer f.Close()
		g, err := load.New(st.config(2000, nil), st.link)
		if err != nil {
			return err
		}
		trial, err := s.floodOnce(context.Background(), st, peer.Kea(), g, f, 500)
		if err != nil {
			return err
		}
		if trial.made < 100 || trial.refused < trial.made/2 || trial.result.Completed == 0 {
			t.Errorf("made %.0f, refused %.0f, %d in scope served", trial.made, trial.refused, trial.result.Completed)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A server that begins anew knows no client: it is another process, all of its
// first one's files are gone, and a lease's address is no longer taken.
func TestServerBeginsAnew(t *testing.T) {
	s := testSuite(t, new(bytes.Buffer))
	if _, err := peer.Kea().Find(); err != nil {
		t.Skip(err)
	}
	err := s.alone(context.Background(), Contender{Peer: peer.Kea()}, base(), newPairSite, func(st *site, setup *peer.Setup) error {
		g, err := s.filled(t.Context(), st, 50)
		if err != nil {
			return err
		}
		before, dir := st.pids(), st.dirs[0]
		if err := st.anew(); err != nil {
			return err
		}
		if after := st.pids(); len(after) != 1 || after[0] == before[0] {
			t.Errorf("processes %v before, %v after", before, after)
		}
		if left, err := os.ReadDir(s.Dir); err != nil || len(left) != 1 || left[0].Name() == filepath.Base(dir) {
			t.Errorf("left: %v, %v", left, err)
		}
		g.Set(load.Mix{load.InitReboot: 1}, 500, 100*time.Millisecond, false)
		r, err := g.Run(t.Context())
		if err == nil && (r.Completed != 0 || r.Begun[load.InitReboot] == 0) {
			t.Errorf("a server without leases confirmed %d of them", r.Completed)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
