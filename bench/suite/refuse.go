package suite

import (
	"context"
	"fmt"
	"time"

	"needletail/bench/flood"
	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
)

// While a flood goes on, inScopeRate clients a second want leases, and at most
// lossMax of them may fail.
const (
	inScopeRate = 500
	floodTrial  = 2 * time.Second
	floodStart  = 4000
	floodMax    = 8e6
	floodSteps  = 3
	floodSalt   = 0xf1
	// refusedMin is the share of a flood that the server must have taken in.
	refusedMin = 0.99
	// madeMin is the share of the rate that the generator must have made for a
	// trial to say something of the server.
	madeMin = 0.9
	// givenUp is the share of a flood below which a server takes in no more if
	// still more comes.
	givenUp = 0.125
)

// served tells whether server 1 of a load-balanced pair answers a client: of
// two servers the one whose turn the bucket is (Kea: query_filter.cc).
func served(bucket uint8) bool { return bucket%2 == 0 }

// floodOthers are queries of clients that the other server answers.
var floodOthers = flood.Config{Salt: floodSalt, Wanted: func(b uint8) bool { return !served(b) }}

// Refuse finds the highest rate of queries for another server that a server of
// a load-balanced pair takes in while it serves its own clients without loss.
func (s *Suite) Refuse(ctx context.Context, c Contender) error {
	return s.pair(ctx, c, newHalfSite, func(st *site, setup *peer.Setup) error {
		f, err := st.flood(floodOthers)
		if err != nil {
			return err
		}
		defer f.Close()
		g, err := load.New(st.config(100000, nil), st.link)
		if err != nil {
			return err
		}
		return s.searchRefused(ctx, st, st.about(c.Peer, setup), c.Peer, g, f)
	})
}

// flood opens a flood from the generator's interface to the first server.
func (st *site) flood(cfg flood.Config) (f *flood.Flood, err error) {
	cfg.Interface, cfg.To = genIf, st.mac
	err = st.gen.Do(func() error { f, err = flood.Open(cfg); return err })
	return f, err
}

// A flooded trial is what one rate of a flood did.
type flooded struct {
	asked, made, refused float64 // per second
	result               *load.Result
	cpu                  record.CPU
}

func (t *flooded) whole() bool { return t.made >= madeMin*t.asked }

func (t *flooded) ok() bool { return t.refused >= refusedMin*t.made && t.result.Blemish(lossMax) == "" }

// searchRefused doubles the rate until the server takes in less than a
// small share of the flood, then looks between the best rate without loss and the first with.
// The record tells that best, and the most that was refused in any trial, with
// whatever loss.
func (s *Suite) searchRefused(ctx context.Context, st *site, who record.Server, p *peer.Peer, g *load.Generator, f *flood.Flood) error {
	var best, last *flooded
	most, high := 0.0, 0.0
	try := func(rate float64) (err error) {
		if last, err = s.floodOnce(ctx, st, p, g, f, rate); err != nil {
			return err
		}
		s.Say("  refuse %s: %.0f/s asked, %.0f/s made, %.0f/s refused, in-scope loss %.3f %%", label(who), last.asked, last.made, last.refused, 100*last.result.Loss)
		most = max(most, last.refused)
		switch {
		case last.ok() && (best == nil || last.refused > best.refused):
			best = last
		case !last.ok() && (high == 0 || rate < high):
			high = rate
		}
		return s.write(refusal("sweep/refuse", who, last, most))
	}
	for rate := float64(floodStart); rate <= floodMax && (last == nil || last.whole() && last.refused > last.made*givenUp); rate *= 2 {
		if err := try(rate); err != nil {
			return err
		}
	}
	for step := 0; step < floodSteps && high > 0 || best == nil; step++ {
		rate := high / 2
		if best != nil {
			rate = (best.asked + high) / 2
		}
		if rate < floodStart/16 {
			return fmt.Errorf("refuse, %s: no rate of a flood is refused without loss", who.Name)
		}
		if err := try(rate); err != nil {
			return err
		}
	}
	return s.write(refusal("refuse", who, best, most))
}

func refusal(work string, who record.Server, t *flooded, most float64) *record.Record {
	return &record.Record{Work: work, Server: who, Result: t.result, CPU: t.cpu, Values: map[string]float64{
		"flood_asked_per_s": t.asked, "flood_made_per_s": t.made, "refused_per_s": t.refused, "refused_most_per_s": most}}
}

// floodOnce floods for one trial while in-scope clients are served, and counts
// by the server's own statistics what it refused.
func (s *Suite) floodOnce(ctx context.Context, st *site, p *peer.Peer, g *load.Generator, f *flood.Flood, rate float64) (*flooded, error) {
	before, err := p.Refused(st.dirs[0])
	if err != nil {
		return nil, err
	}
	made, err := f.Made()
	if err != nil {
		return nil, err
	}
	t := &flooded{asked: rate}
	if t.result, t.cpu, err = s.under(ctx, st, g, f, rate); err != nil {
		return nil, err
	}
	if err := g.Drain(settle); err != nil {
		return nil, err
	}
	after, err := p.Refused(st.dirs[0])
	if err != nil {
		return nil, err
	}
	all, err := f.Made()
	t.made = float64(all-made) / floodTrial.Seconds()
	t.refused = float64(after-before) / floodTrial.Seconds()
	return t, err
}

// settle is how long a server may still work at what it was sent.
const settle = 300 * time.Millisecond

// under runs the in-scope clients while a flood goes on.
func (s *Suite) under(ctx context.Context, st *site, g *load.Generator, f *flood.Flood, rate float64) (*load.Result, record.CPU, error) {
	flooding, stop := context.WithTimeout(ctx, floodTrial)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- st.gen.Do(func() error { return f.Run(flooding, rate) })
	}()
	g.Set(load.Mix{load.DORA: 1}, inScopeRate, floodTrial, false)
	r, cpu, err := s.measured(ctx, g, st.pids())
	if flooded := <-ended; err == nil {
		err = flooded
	}
	return r, cpu, err
}

// Malformed floods a server with malformed queries, of every kind as many,
// while clients are served. The value in_scope_loss is what that cost them.
func (s *Suite) Malformed(ctx context.Context, c Contender, rate float64) error {
	return s.single(ctx, c, base(), func(st *site, setup *peer.Setup) error {
		f, err := st.flood(flood.Config{Salt: floodSalt, Malformed: true})
		if err != nil {
			return err
		}
		defer f.Close()
		g, err := load.New(st.config(100000, nil), st.link)
		if err != nil {
			return err
		}
		r, cpu, err := s.under(ctx, st, g, f, rate)
		if err != nil {
			return err
		}
		made, err := f.Made()
		who := st.about(c.Peer, setup)
		each := float64(made) / floodTrial.Seconds()
		s.Say("  malformed %s: %.0f/s, in-scope loss %.3f %%, p99 %d µs, %.2f s of processor", label(who), each, 100*r.Loss, p99(r), cpu.Server)
		if err != nil {
			return err
		}
		return s.write(&record.Record{Work: "malformed", Server: who, Result: r, CPU: cpu, Values: map[string]float64{
			"flood_asked_per_s": rate, "flood_made_per_s": each}})
	})
}
