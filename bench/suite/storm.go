package suite

import (
	"context"
	"errors"
	"maps"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
)

// Storm lets clients begin at rate, all within the given time, and try again
// as RFC 2131 asks until they hold a lease. The values tell the goodput while
// clients still began, and when the last one was bound.
func (s *Suite) Storm(ctx context.Context, c Contender, rate float64, d time.Duration) error {
	return s.alone(ctx, c, base(), directSite, func(st *site, setup *peer.Setup) error {
		return s.storm(ctx, st, st.about(c.Peer, setup), storm{work: "reboot-storm", rate: rate, d: d})
	})
}

// overloads is how many times more than the highest rate an overload asks for.
const overloads = 3

// heldTo is how many processors a server has that is overloaded: less than the
// generator that plays so many clients, so that they do not take it from each other.
const heldTo = 0.5

// Overload finds the highest rate of a server held to half a processor, asks such a
// server for three times as much, and tells the goodput beside that peak.
func (s *Suite) Overload(ctx context.Context, c Contender, d time.Duration) error {
	var peak *load.Result
	err := s.alone(ctx, c, base(), heldSite, func(st *site, setup *peer.Setup) (err error) {
		peak, err = s.searchNew(ctx, st, st.about(c.Peer, setup), "overload-peak", setup)
		return err
	})
	if err != nil {
		return err
	}
	return s.alone(ctx, c, base(), heldSite, func(st *site, setup *peer.Setup) error {
		return s.storm(ctx, st, st.about(c.Peer, setup), storm{work: "overload", rate: overloads * peak.PerSecond, d: d,
			values: map[string]float64{"peak_per_s": peak.PerSecond, "peak_held_s": peak.Seconds}})
	})
}

// directSite is a builder of a generator and one server.
func directSite(ctx context.Context, medium load.Medium) (*site, error) {
	return newSite(ctx, medium, nil, 1)
}

// heldSite is one whose server is held to heldTo processors.
func heldSite(ctx context.Context, medium load.Medium) (*site, error) {
	st, err := directSite(ctx, medium)
	if err != nil {
		return nil, err
	}
	if err := st.hold(heldTo); err != nil {
		return nil, errors.Join(err, st.close())
	}
	return st, nil
}

// A storm is clients that begin at a rate for a time.
type storm struct {
	work   string
	rate   float64
	d      time.Duration
	values map[string]float64
}

func (s *Suite) storm(ctx context.Context, st *site, who record.Server, what storm) error {
	cfg := st.config(min(int(what.rate*what.d.Seconds())+1000, load.ClientsMax), nil)
	cfg.Rate, cfg.Duration, cfg.Retransmit, cfg.Timeout = what.rate, what.d, true, load.Patience
	g, err := load.New(cfg, st.link)
	if err != nil {
		return err
	}
	r, cpu, err := s.measured(ctx, g, st.pids())
	if err != nil {
		return err
	}
	good, last := r.Goodput(what.d)
	s.Say("  %s %s: %.0f/s asked, goodput %.0f/s, %d of %d bound, the last after %.1f s, %d retransmissions, generator %.1f s late",
		what.work, label(who), what.rate, good, r.Completed, r.Completed+r.Failed, last, r.Retransmitted, r.Behind)
	values := map[string]float64{"goodput_per_s": good, "last_bound_s": last, "unbound": float64(r.Failed)}
	maps.Copy(values, what.values)
	return s.write(&record.Record{Work: "timeline/" + what.work, Server: who, Result: r, CPU: cpu, Values: values})
}
