package load

import (
	"fmt"
	"time"
)

// Search finds the highest rate a server sustains.
type Search struct {
	Start    float64       // first rate tried, exchanges per second
	Max      float64       // never try more
	LossMax  float64       // share of exchanges that may fail, 0.001 is 0.1 %
	Trial    time.Duration // length of one trial
	Steps    int           // halvings after the ramp
	Settle   time.Duration // for a server to digest its backlog after a failed trial
	Progress func(trial *Result, ok bool)
}

// floor is the lowest rate tried, as a share of Start.
const floor = 1.0 / 64

// Run raises the rate until a trial fails, then halves the interval between
// the best that passed and the least that failed. If not even Start passes it
// goes down from there. It returns the result of the best trial that passed,
// and an error if none did.
func (s *Search) Run(g *Generator, mix Mix) (*Result, error) {
	var best *Result
	low, high, rate := 0.0, 0.0, s.Start // high: the least that failed, 0 for none
	for step := 0; step <= s.Steps; {
		r, err := s.try(g, mix, rate)
		if err != nil {
			return nil, err
		}
		if r != nil {
			best, low = r, rate
		} else {
			high = rate
		}
		switch {
		case best == nil:
			if rate /= 2; rate < s.Start*floor {
				return nil, fmt.Errorf("search: the server loses more than %.2g of the exchanges at every rate from %.0f a second down", s.LossMax, s.Start)
			}
		case low >= s.Max:
			return best, nil
		case high == 0:
			rate = min(rate*2, s.Max)
		default:
			rate, step = (low+high)/2, step+1
		}
	}
	return best, nil
}

// behindMax is the share of a trial that the generator may be late at its end.
const behindMax = 0.05

// try runs one trial; a failed one is repeated once, since one hiccup of the
// machine is not the server's limit. It returns nil if both failed.
func (s *Search) try(g *Generator, mix Mix, rate float64) (*Result, error) {
	for range 2 {
		g.Set(mix, rate, s.Trial, false)
		r, err := g.Run()
		if err != nil {
			return nil, err
		}
		ok := r.Completed > 0 && r.Behind <= behindMax*r.Seconds && r.Loss <= s.LossMax && r.Duplicates == 0 && r.Wrong == 0
		if s.Progress != nil {
			s.Progress(r, ok)
		}
		if r.Duplicates > 0 {
			return nil, fmt.Errorf("search: the server gave %d addresses to two clients at once", r.Duplicates)
		}
		if ok {
			return r, nil
		}
		if err := g.Drain(s.Settle); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
