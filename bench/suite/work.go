package suite

import (
	"context"
	"fmt"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
)

const (
	startLimit = 60 * time.Second // for a server to answer its first client
	lossMax    = 0.001
	lowest     = 500     // exchanges per second a search begins with
	highest    = 1000000 // and never exceeds
)

// base is the setup every single server gets unless a work changes it.
func base() peer.Setup {
	return peer.Setup{
		Interface: serverIf, Server: serverAt[0], Prefix: network, First: poolFirst, Last: poolLast,
		Lifetime: time.Hour,
	}
}

// A Contender is a peer with the settings of its own that a comparison varies.
type Contender struct {
	Peer       *peer.Peer
	Durability string // needletail: sync, os, none
	XDP, AFXDP string
	Send       string // ring, live
}

func (c *Contender) apply(s *peer.Setup) *peer.Setup {
	s.Durability, s.XDP, s.AFXDP, s.Send = c.Durability, c.XDP, c.AFXDP, c.Send
	return s
}

// single starts one contender alone and hands the running site to f.
func (s *Suite) single(ctx context.Context, c Contender, setup peer.Setup, f func(*site, *peer.Setup) error) error {
	return s.alone(ctx, c, setup, func(ctx context.Context, m load.Medium) (*site, error) {
		return newSite(ctx, m, setup.Relays(), setup.Queues())
	}, f)
}

// A builder makes a site without servers that run.
type builder func(context.Context, load.Medium) (*site, error)

// alone starts one contender as the first server of a site and hands it to f.
func (s *Suite) alone(ctx context.Context, c Contender, setup peer.Setup, build builder, f func(*site, *peer.Setup) error) error {
	c.apply(&setup)
	return s.on(ctx, c, build, &setup, func(st *site) error { return st.start(s, c.Peer, &setup, 0) }, f)
}

// pair starts a contender twice, as a load-balanced pair on a site of two
// servers, and hands it to f.
func (s *Suite) pair(ctx context.Context, c Contender, build builder, f func(*site, *peer.Setup) error) error {
	setup := base()
	c.apply(&setup)
	return s.on(ctx, c, build, &setup, func(st *site) error { return st.startPair(s, c.Peer, setup) }, f)
}

// on builds a site, starts servers on it and hands it to f once they answer clients and
// receive as their setup asks. It closes the site.
func (s *Suite) on(ctx context.Context, c Contender, build builder, setup *peer.Setup, start func(*site) error, f func(*site, *peer.Setup) error) error {
	s.prepare()
	st, err := build(ctx, s.medium(c))
	if err != nil {
		return err
	}
	defer st.close()
	s.env.XDP, s.env.Driver = st.mode, st.driver
	st.begin = func() error {
		if err := start(st); err != nil {
			return err
		}
		if err := st.ready(ctx, startLimit, setup.Relays()); err != nil {
			return fmt.Errorf("%s on %d server(s): %w", c.Peer.Name, len(st.running), err)
		}
		return st.receiving(ctx, c.Peer, setup)
	}
	if err := st.begin(); err != nil {
		return err
	}
	return f(st, setup)
}

// A quest is what to search the highest rate of.
type quest struct {
	work string
	mix  load.Mix
	g    *load.Generator
	// anew, if not nil, makes the generator of each run that confirms, before which
	// the servers begin without leases.
	anew func() (*load.Generator, error)
}

// search finds the highest rate of a mix. Each trial becomes a record of the
// sweep, the one that confirms the rate also one of the work itself; that is
// returned.
func (s *Suite) search(ctx context.Context, st *site, who record.Server, q quest) (*load.Result, error) {
	cpu := newMeter(st.pids())
	seek := load.Search{Start: lowest, Max: highest, LossMax: lossMax, Trial: s.Trial, Confirm: s.Confirm, Steps: s.Steps, Settle: 500 * time.Millisecond}
	if q.anew != nil {
		seek.Anew = func() (*load.Generator, error) {
			if err := st.anew(); err != nil {
				return nil, err
			}
			cpu = newMeter(st.pids())
			return q.anew()
		}
	}
	var best record.Record
	var failed error
	seek.Progress = func(r *load.Result, ok bool) {
		rec := record.Record{Work: "sweep/" + q.work, Server: who, Result: r, CPU: cpu.lap()}
		if err := s.write(&rec); err != nil {
			failed = err
		}
		if ok {
			best = rec
		}
		s.Say("  %s %s: %.0f/s asked, %.0f/s done, loss %.3f %%, p99 %d µs%s", q.work, label(who), r.Rate, r.PerSecond, 100*r.Loss, p99(r), remark(r))
	}
	r, err := seek.Run(ctx, q.g, q.mix)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", q.work, who.Name, err)
	}
	best.Work, best.Result = q.work, r
	if failed == nil {
		failed = s.write(&best)
	}
	return r, failed
}

// remark says why a result is no measure of its server, for a line that tells
// the loss already.
func remark(r *load.Result) string {
	why := r.Blemish(lossMax)
	if why == "" || r.Loss > lossMax && r.Lies() == "" {
		return ""
	}
	return ", " + why
}

func label(w record.Server) string { return w.Name + " (" + w.Durability + ", " + w.Mode + ")" }

// p99 returns the 99th percentile of the exchange a run had, in microseconds.
func p99(r *load.Result) int64 {
	for _, q := range r.Latency {
		return q.P99
	}
	return 0
}

// A meter tells processor time used since the last lap.
type meter struct {
	pids         []int
	own, servers float64
}

func newMeter(pids []int) *meter {
	return &meter{pids, record.OwnCPU(), processes(pids)}
}

func (m *meter) lap() record.CPU {
	own, servers := record.OwnCPU(), processes(m.pids)
	c := record.CPU{Generator: own - m.own, Server: servers - m.servers}
	m.own, m.servers = own, servers
	return c
}
