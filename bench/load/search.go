package load

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Search finds the highest rate a server sustains.
type Search struct {
	Start    float64       // first rate tried, exchanges per second
	Max      float64       // never try more
	LossMax  float64       // share of exchanges that may fail, 0.001 is 0.1 %
	Trial    time.Duration // length of one trial
	Confirm  time.Duration // length of the run that confirms the rate found; 0: none
	Steps    int           // halvings after the ramp
	Settle   time.Duration // for a server to digest its backlog after a failed trial
	Progress func(trial *Result, ok bool)
	// Anew gives each run that confirms a generator of its own, whose server begins
	// anew, so that nobody is confirmed with the leases of its trials, which are more
	// the faster it is. Nil: all goes on with the one there is.
	Anew func() (*Generator, error)

	lies string // in the present search: of the last run that had any
}

// floor is the lowest rate tried, as a share of Start.
const floor = 1.0 / 64

// Run finds the highest rate by short trials and confirms it by a longer run,
// whose result it returns; an error if no rate passes.
func (s *Search) Run(ctx context.Context, g *Generator, mix Mix) (*Result, error) {
	s.lies = ""
	best, err := s.find(ctx, g, mix)
	if err != nil || s.Confirm == 0 {
		return best, err
	}
	return s.confirm(ctx, g, mix, best.Rate)
}

// find raises the rate until a trial fails, then halves the interval between
// the best that passed and the least that failed. If not even Start passes it
// goes down from there. It returns the result of the best trial that passed.
func (s *Search) find(ctx context.Context, g *Generator, mix Mix) (*Result, error) {
	var best *Result
	low, high, rate := 0.0, 0.0, s.Start // high: the least that failed, 0 for none
	for step := 0; step <= s.Steps; {
		r, err := s.try(ctx, g, mix, rate)
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
				return nil, s.none()
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

// none says that no rate passes.
func (s *Search) none() error {
	if s.lies != "" {
		return fmt.Errorf("search: no rate from %.0f a second down passes, %w: %s", s.Start, ErrWrong, s.lies)
	}
	return fmt.Errorf("search: at every rate from %.0f a second down the server loses more than %.2g of the exchanges or falls behind", s.Start, s.LossMax)
}

// try runs one trial; a failed one is repeated once, since one hiccup of the
// machine is not the server's limit. It returns nil if both failed.
func (s *Search) try(ctx context.Context, g *Generator, mix Mix, rate float64) (*Result, error) {
	for range 2 {
		r, ok, err := s.once(ctx, g, mix, rate, s.Trial)
		if err != nil {
			return nil, err
		}
		if ok {
			return r, nil
		}
	}
	return nil, nil
}

// downBy is by how much more a rate that did not hold is lowered each time: by
// little at first, since a hiccup of the machine looks the same, but not for long.
const downBy = 0.05

// near is how close a rate that did not hold must be above the one that is found.
const near = 1.1

// confirm runs longer at rate, and at lower ones until one holds; then it halves
// what lies between that one and the last that did not.
func (s *Search) confirm(ctx context.Context, g *Generator, mix Mix, rate float64) (*Result, error) {
	failed := rate
	for down := downBy; rate >= s.Start*floor; down = min(down+downBy, 0.5) {
		r, ok, err := s.hold(ctx, g, mix, rate)
		if err != nil {
			return nil, err
		}
		if ok {
			return s.climb(ctx, g, mix, r, failed)
		}
		failed = rate
		rate *= 1 - down
	}
	return nil, s.none()
}

// climb looks for a better rate than that of a run that held, below one that did
// not. It is content with what it has when no client is left.
func (s *Search) climb(ctx context.Context, g *Generator, mix Mix, best *Result, failed float64) (*Result, error) {
	for failed > best.Rate*near {
		rate := (best.Rate + failed) / 2
		r, ok, err := s.hold(ctx, g, mix, rate)
		switch {
		case errors.Is(err, errSpent):
			return best, nil
		case err != nil:
			return nil, err
		case ok:
			best = r
		default:
			failed = rate
		}
	}
	return best, nil
}

// hold runs once as long as confirming takes.
func (s *Search) hold(ctx context.Context, g *Generator, mix Mix, rate float64) (*Result, bool, error) {
	if s.Anew != nil {
		var err error
		if g, err = s.Anew(); err != nil {
			return nil, false, fmt.Errorf("search: begin anew: %w", err)
		}
	}
	return s.once(ctx, g, mix, rate, s.Confirm)
}

// errSpent says that the clients do not last for a run.
var errSpent = errors.New("search: all clients have a lease")

// once runs for d at a rate and tells whether that passes. After one that does
// not, the server gets time to settle.
func (s *Search) once(ctx context.Context, g *Generator, mix Mix, rate float64, d time.Duration) (*Result, bool, error) {
	g.Set(mix, rate, d, false)
	r, err := g.Run(ctx)
	if err != nil {
		return nil, false, err
	}
	ok := r.Blemish(s.LossMax) == ""
	if lies := r.Lies(); lies != "" {
		s.lies = lies
	}
	if s.Progress != nil {
		s.Progress(r, ok)
	}
	switch {
	case r.Duplicates > 0:
		return nil, false, fmt.Errorf("search: %w: %s", ErrWrong, r.Lies())
	case r.Skipped > 0 && g.spent():
		return nil, false, fmt.Errorf("%w, the %d there are", errSpent, g.cfg.Clients)
	case ok:
		return r, true, nil
	}
	return r, false, g.Drain(s.Settle)
}
