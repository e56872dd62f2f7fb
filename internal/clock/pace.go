package clock

import (
	"math"
	"time"
)

// paceMemory is for how long a Pace remembers what came: its rate decays to 1/e in it.
const paceMemory = 20 * time.Millisecond

// A Pace tells how far apart rounds of work should begin: each round costs the
// same whatever it finds, so the more comes in, the longer is let gather, up to
// Most. While little comes, little is saved and nobody has to wait: the gap grows
// much faster than the load. One goroutine owns it.
type Pace struct {
	Most time.Duration
	Full float64 // pieces a second from which on the gap is Most; less by curve below it
	rate float64 // pieces a second, smoothed
	last time.Time
}

// curve is the power of the load that the gap follows.
const curve = 3

// Add notes a round that began now, and that n pieces came since the last one, evenly.
func (p *Pace) Add(n int, now time.Time) {
	past := max(1, now.Sub(p.last)) // a clock may be set back
	gone := -math.Expm1(-past.Seconds() / paceMemory.Seconds())
	p.rate += gone * (float64(n)/past.Seconds() - p.rate)
	p.last = now
}

// Gap is the time from the last round to the next one.
func (p *Pace) Gap() time.Duration {
	return time.Duration(float64(p.Most) * math.Pow(min(1, p.rate/p.Full), curve))
}
