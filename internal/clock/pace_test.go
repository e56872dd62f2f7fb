package clock

import (
	"testing"
	"time"
)

// The gap grows with the third power of what comes in, up to its limit, and goes back
// after a pause; a clock that stands still or was set back does it no harm.
func TestPace(t *testing.T) {
	p := Pace{Most: time.Millisecond, Full: 10000}
	now := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		name   string
		every  time.Duration
		n      int
		rounds int
		lo, hi time.Duration
	}{
		{"the first", time.Hour, 1, 1, 0, 1},
		{"a tenth", time.Millisecond, 1, 200, 990, 1010},
		{"half", time.Millisecond, 5, 200, 124 * time.Microsecond, 126 * time.Microsecond},
		{"more than full", time.Millisecond, 1000, 200, time.Millisecond, time.Millisecond},
		{"after a pause", time.Second, 1, 1, 0, 1},
		{"little again", 10 * time.Millisecond, 1, 50, 0, 1},
		{"a clock that stands still", 0, 1, 10, 200, 300},
		{"one set back", -time.Second, 1, 1, 200, 400},
	} {
		for range c.rounds {
			now = now.Add(c.every)
			p.Add(c.n, now)
		}
		if got := p.Gap(); got < c.lo || got > c.hi {
			t.Errorf("%s: %v, want %v to %v", c.name, got, c.lo, c.hi)
		}
	}
}
