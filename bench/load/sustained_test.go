package load

import (
	"math"
	"testing"
	"time"
)

// sustains runs at a rate against a server of 2,000 DORA a second with an
// endless queue and returns the result.
func sustains(t *testing.T, rate float64, d time.Duration, stalls func(int64) int64) *Result {
	t.Helper()
	cfg := config("dora", 100000)
	cfg.Rate, cfg.Duration, cfg.Timeout = rate, d, time.Second
	g, s := simulate(t, cfg, 250*time.Microsecond)
	s.stalls = stalls
	r, err := g.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A server that keeps every query answers all of them within the time-out for
// a while, at any rate: what it does not do shows as a backlog that grows.
func TestGrowingBacklogIsNotSustained(t *testing.T) {
	const loss = 0.001
	for _, c := range []struct {
		name   string
		rate   float64
		d      time.Duration
		stalls func(int64) int64
		want   bool
	}{
		{"half of what it can", 1000, 2 * time.Second, nil, true},
		{"nearly all it can", 1980, 2 * time.Second, nil, true},
		{"a tenth too much", 2200, 2 * time.Second, nil, false},
		{"twice what it can, for a second", 3900, time.Second, nil, false},
		{"a hundredth too much", 2020, 10 * time.Second, nil, false},
		{"a stall in the middle", 1000, 2 * time.Second, stall(time.Second, 200*time.Millisecond), true},
		{"a stall near the end", 1000, 2 * time.Second, stall(1900*time.Millisecond, 200*time.Millisecond), true},
		{"batches a quarter of a second apart", 500, 2 * time.Second, batches(250 * time.Millisecond), true},
	} {
		r := sustains(t, c.rate, c.d, c.stalls)
		if r.Loss > 0 {
			t.Errorf("%s: loss %.3f; the test wants none", c.name, r.Loss)
		}
		if r.Sustained(loss) != c.want {
			t.Errorf("%s: sustained %v, backlog %d, early latency %.0f µs", c.name, !c.want, r.Backlog, r.Early)
		}
	}
}

func stall(from, d time.Duration) func(int64) int64 {
	return func(at int64) int64 {
		if at >= int64(from) && at < int64(from+d) {
			return int64(from + d)
		}
		return 0
	}
}

// batches lets a server begin only at the end of every period, as one that
// collects what it then syncs at once.
func batches(period time.Duration) func(int64) int64 {
	return func(at int64) int64 {
		if at%int64(period) > int64(period)/2 {
			return (at/int64(period) + 1) * int64(period)
		}
		return 0
	}
}

// A search does not take a rate for sustained that a queue only hides.
func TestSearchFindsASustainedRate(t *testing.T) {
	for _, trial := range []time.Duration{time.Second, 2 * time.Second} {
		g, _ := simulate(t, config("dora", 100000), 250*time.Microsecond)
		g.cfg.Timeout = time.Second
		var last *Result
		s := Search{Start: 500, Max: 1e5, LossMax: 0.001, Trial: trial, Confirm: 10 * time.Second, Steps: 3, Settle: 500 * time.Millisecond,
			Progress: func(r *Result, ok bool) { last = r }}
		r, err := s.Run(t.Context(), g, Mix{DORA: 1})
		if err != nil {
			t.Fatal(err)
		}
		if r.Rate < 1600 || r.Rate > 2010 || r.Seconds != 10 || r != last {
			t.Errorf("trials of %v: found %.0f/s of 2000/s by a run of %.0f s", trial, r.Rate, r.Seconds)
		}
	}
}

// A rate that a trial passes but a longer run does not is given up for a
// lower one, and the result is a run that held, with one that did not close above.
func TestSearchStepsDownUntilARunHolds(t *testing.T) {
	cfg := config("dora", 200000)
	cfg.Timeout = time.Second
	g, s := simulate(t, cfg, 100*time.Microsecond)
	began := int64(0)
	s.stalls = func(at int64) int64 { // after three seconds of a run it works at half its speed
		if at-began > int64(3*time.Second) {
			return at + s.each
		}
		return 0
	}
	var tried []float64
	failed, held := math.Inf(1), 0.0 // the least, the most
	seek := Search{Start: 1000, Max: 1e5, LossMax: 0.001, Trial: 2 * time.Second, Confirm: 10 * time.Second, Steps: 2, Settle: 500 * time.Millisecond,
		Progress: func(r *Result, ok bool) {
			began = s.clock
			if r.Seconds == 10 {
				tried = append(tried, r.Rate)
				if ok {
					held = max(held, r.Rate)
				} else {
					failed = min(failed, r.Rate)
				}
			}
		}}
	r, err := seek.Run(t.Context(), g, Mix{DORA: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(tried) < 3 || r.Rate != held || r.Rate > 2600 || r.Rate < 2000 || failed > 1.1*r.Rate || !r.Sustained(0.001) {
		t.Errorf("found %.0f/s of 2500/s in the long run, confirmations at %.0f/s", r.Rate, tried)
	}
}

// Where no clients are left for a better rate, the one that held is the result.
func TestClimbEndsWithItsClients(t *testing.T) {
	cfg := config("dora", 100)
	cfg.Timeout, cfg.Fresh = time.Second, true
	g, _ := simulate(t, cfg, 100*time.Microsecond)
	held := &Result{Rate: 1000}
	seek := Search{Start: 1000, LossMax: 0.001, Confirm: time.Second}
	if r, err := seek.climb(t.Context(), g, Mix{DORA: 1}, held, 4000); r != held || err != nil {
		t.Errorf("%+v, %v", r, err)
	}
}
