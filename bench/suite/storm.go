package suite

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"time"

	"needletail/bench/flood"
	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
	"needletail/internal/thread"
)

// Storm lets clients begin at rate, all within the given time, and try again
// as RFC 2131 asks until they hold a lease. The values tell the goodput while
// clients still began, and when the last one was bound.
func (s *Suite) Storm(ctx context.Context, c Contender, rate float64, d time.Duration) error {
	_, err := s.storm(ctx, c, storm{work: "reboot-storm", rate: rate, d: d})
	return err
}

// overloads is how many times more than the highest rate an overload asks for.
const overloads = 3

// insistence is the precedence of the generator in an overload. On processors that
// it shares with the server nothing else makes it ask for more than is served; the
// server's worker comes five before the rest of the server.
const insistence = 7

// Overload asks for three times the highest rate that this run found, and
// tells the goodput beside that peak. If the generator cannot play so many
// clients, as many begin as the server can serve, beside a flood of DISCOVERs
// of clients that nobody plays; their offers cost the server something too, so
// that what is left is less than against clients that go on.
func (s *Suite) Overload(ctx context.Context, c Contender, d time.Duration) error {
	peak, err := s.highest(ctx, c)
	if err != nil {
		return err
	}
	values := map[string]float64{"peak_per_s": peak.PerSecond, "peak_held_s": peak.Seconds}
	r, err := s.storm(ctx, c, storm{work: "overload", rate: overloads * peak.PerSecond, d: d, values: values, precedence: insistence})
	if err != nil || r.InTime() {
		return err
	}
	_, err = s.storm(ctx, c, storm{work: "overload-flood", rate: peak.PerSecond, d: d, flood: (overloads - 1) * peak.PerSecond, values: values, precedence: insistence})
	return err
}

// A storm is clients that begin at a rate for a time, perhaps beside a flood.
type storm struct {
	work  string
	rate  float64
	d     time.Duration
	flood float64 // DISCOVERs a second; 0: none
	// precedence is by how much less nice the generator is than the servers.
	precedence int
	values     map[string]float64
}

func (s *Suite) storm(ctx context.Context, c Contender, what storm) (r *load.Result, err error) {
	err = s.single(ctx, c, base(), func(st *site, setup *peer.Setup) error {
		cfg := st.config(min(int(what.rate*what.d.Seconds())+1000, load.ClientsMax), nil)
		cfg.Rate, cfg.Duration, cfg.Retransmit, cfg.Timeout = what.rate, what.d, true, load.Patience
		g, err := load.New(cfg, st.link)
		if err != nil {
			return err
		}
		values := make(map[string]float64)
		maps.Copy(values, what.values)
		flooded := func() error { return nil }
		if what.flood > 0 {
			if flooded, err = st.beside(ctx, what, values); err != nil {
				return err
			}
		}
		var cpu record.CPU
		err = preferred(what.precedence, func() (err error) {
			r, cpu, err = s.measured(ctx, g, st.pids())
			return err
		})
		if err := errors.Join(err, flooded()); err != nil {
			return err
		}
		good, last := r.Goodput(what.d)
		who := st.about(c.Peer, setup)
		s.Say("  %s %s: %.0f/s asked, goodput %.0f/s, %d of %d bound, the last after %.1f s, %d retransmissions, generator %.1f s late",
			what.work, label(who), what.rate, good, r.Completed, r.Completed+r.Failed, last, r.Retransmitted, r.Behind)
		maps.Copy(values, map[string]float64{"goodput_per_s": good, "last_bound_s": last, "unbound": float64(r.Failed)})
		return s.write(&record.Record{Work: "timeline/" + what.work, Server: who, Result: r, CPU: cpu, Values: values})
	})
	return r, err
}

// preferred runs f on a thread so many levels less nice than the process.
func preferred(by int, f func() error) error {
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine
		thread.Prefer(by)
		ended <- f()
	}()
	return <-ended
}

// beside floods the server while a storm begins. The function it returns waits
// for the end and adds to the values what the flood was.
func (st *site) beside(ctx context.Context, what storm, values map[string]float64) (func() error, error) {
	f, err := st.flood(flood.Config{Salt: floodSalt})
	if err != nil {
		return nil, err
	}
	flooding, stop := context.WithTimeout(ctx, what.d)
	ended := make(chan error, 1)
	go func() {
		ended <- st.gen.Do(func() error { return f.Run(flooding, what.flood) })
	}()
	return func() error {
		err := <-ended
		stop()
		made, counted := f.Made()
		values["flood_asked_per_s"], values["flood_made_per_s"] = what.flood, float64(made)/what.d.Seconds()
		return errors.Join(err, counted, f.Close())
	}, nil
}
