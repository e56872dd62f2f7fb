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

// Add notes a round that began now and found n pieces.
func (p *Pace) Add(n int, now time.Time) {
	past := max(0, now.Sub(p.last)) // a clock may be set back
	p.rate = p.rate*math.Exp(-past.Seconds()/paceMemory.Seconds()) + float64(n)/paceMemory.Seconds()
	p.last = now
}

// Gap is the time from the last round to the next one.
func (p *Pace) Gap() time.Duration {
	return time.Duration(float64(p.Most) * math.Pow(min(1, p.rate/p.Full), curve))
}
