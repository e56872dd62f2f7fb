package slowpath

import (
	"runtime"
	"time"

	"needletail/internal/clock"
)

// Under load a pump does not wake for every query: waking costs several times
// what a query does. It begins a turn every turnMin instead and finds what came
// meanwhile, as commits and the driver's rings then also do. A query waits turnMin
// at most for that. A pump that is not busy turns at once, so a lone client
// waits for nothing.
const (
	turnMin    = time.Millisecond // between the beginnings of two turns, under load; an exchange has two
	busyGap    = 2 * turnMin      // turns with queries closer than that make a pump busy
	busyTurns  = 8                // that many of them in a row; one client's exchange is two
	yieldRests = 8                // rests from one look at other goroutines to the next
)

// pace is when a pump began its turns. Owned by it.
type pace struct {
	began   time.Time // the latest turn with queries
	crowded int       // turns with queries that followed the one before within busyGap
	rests   int
}

// begin notes that a turn with n queries begins.
func (c *pace) begin(n int, now time.Time) {
	if n == 0 {
		return
	}
	if now.Sub(c.began) > busyGap {
		c.crowded = 0
	}
	c.crowded++
	c.began = now
}

// left is the rest of turnMin, not above 0 if there is none or the pump is not
// busy.
func (c *pace) left(now time.Time) time.Duration {
	if c.crowded < busyTurns {
		return 0
	}
	return turnMin - now.Sub(c.began)
}

// rest lets the rest of turnMin pass if the pump is busy.
func (c *pace) rest() {
	left := c.left(time.Now())
	if left <= 0 {
		return
	}
	// The runtime takes a goroutine for stuck that has not yielded for 10 ms, takes
	// its processor away and looks for more such every 20 µs from then on.
	if c.rests++; c.rests%yieldRests == 0 {
		runtime.Gosched()
	}
	clock.Nap(left)
}
