package suite

import (
	"context"
	"maps"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
)

// stormPatience is how long a client of a storm goes on trying: the back-off
// of RFC 2131 section 4.1 has reached its longest wait of 64 s by then.
const stormPatience = 150 * time.Second

// Storm lets clients begin at rate, all within the given time, and try again
// as RFC 2131 asks until they hold a lease. The values tell the goodput while
// clients still began, and when the last one was bound.
func (s *Suite) Storm(ctx context.Context, c Contender, rate float64, d time.Duration) error {
	return s.storm(ctx, c, "reboot-storm", rate, d, nil)
}

// overloads is how many times more than the highest rate an overload asks for.
const overloads = 3

// Overload asks for three times the highest rate that this run found, and
// tells the goodput beside that peak.
func (s *Suite) Overload(ctx context.Context, c Contender, d time.Duration) error {
	peak, err := s.highest(ctx, c)
	if err != nil {
		return err
	}
	return s.storm(ctx, c, "overload", overloads*peak.PerSecond, d, map[string]float64{"peak_per_s": peak.PerSecond})
}

func (s *Suite) storm(ctx context.Context, c Contender, work string, rate float64, d time.Duration, values map[string]float64) error {
	return s.single(ctx, c, base(), func(st *site, setup *peer.Setup) error {
		cfg := st.config(min(int(rate*d.Seconds())+1000, load.ClientsMax), nil)
		cfg.Rate, cfg.Duration, cfg.Retransmit, cfg.Timeout = rate, d, true, stormPatience
		g, err := load.New(cfg, st.link)
		if err != nil {
			return err
		}
		r, cpu, err := s.measured(g, st.pids())
		if err != nil {
			return err
		}
		good, last := goodput(r, d)
		who := st.about(c.Peer, setup)
		s.Say("  %s %s: %.0f/s asked, goodput %.0f/s, %d of %d bound, the last after %.1f s, %d retransmissions",
			work, label(who), rate, good, r.Completed, r.Completed+r.Failed, last, r.Retransmitted)
		all := map[string]float64{"goodput_per_s": good, "last_bound_s": last, "unbound": float64(r.Failed)}
		maps.Copy(all, values)
		return s.write(&record.Record{Work: "timeline/" + work, Server: who, Result: r, CPU: cpu, Values: all})
	})
}

// goodput returns the exchanges done per second within d, and the second in
// which the last one was done.
func goodput(r *load.Result, d time.Duration) (perSecond, last float64) {
	done := 0
	for i, slice := range r.Timeline {
		at := float64(i+1) / 10
		if at <= d.Seconds() {
			done += int(slice.Done)
		}
		if slice.Done > 0 {
			last = at
		}
	}
	return float64(done) / d.Seconds(), last
}
