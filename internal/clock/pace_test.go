package clock

import (
	"testing"
	"time"
)

// The gap grows a little faster than what comes in, up to its limit, and goes back
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
		{"the first", time.Hour, 1, 1, 353, 354},
		{"a tenth", time.Millisecond, 1, 200, 29 * time.Microsecond, 34 * time.Microsecond},
		{"half", time.Millisecond, 5, 200, 348 * time.Microsecond, 375 * time.Microsecond},
		{"more than full", time.Millisecond, 1000, 200, time.Millisecond, time.Millisecond},
		{"after a pause", time.Second, 1, 1, 353, 354},
		{"little again", 10 * time.Millisecond, 1, 50, 850, 1660},
		{"a clock that stands still", 0, 1, 10, time.Microsecond, 19 * time.Microsecond},
		{"one set back", -time.Second, 1, 1, time.Microsecond, 21 * time.Microsecond},
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
