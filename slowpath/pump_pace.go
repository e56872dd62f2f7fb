package slowpath

import (
	"runtime"
	"sync/atomic"
	"time"

	"needletail/internal/clock"
)

// Under load a pump does not wake for every query: waking costs several times
// what a query does. It begins turns apart instead and finds what came
// meanwhile, as commits and the driver's rings then also do. How far apart grows with
// the load of all pumps (clock.Pace), to turnMax; an exchange waits for two turns. A
// pump that is not busy turns at once, so a lone client waits for nothing.
const (
	turnMax    = time.Millisecond // between the beginnings of two turns, under full load
	fullLoad   = 10000            // queries a second of all pumps, of which turns are turnMax apart
	busyGap    = 2 * turnMax      // turns with queries closer than that make a pump busy
	busyTurns  = 8                // that many of them in a row; one client's exchange is two
	yieldRests = 8                // rests from one look at other goroutines to the next
)

// Traffic counts the queries of all pumps of a server. What each saves by letting
// them gather, it saves on the same processors: several that judged for themselves
// would each take the load for light and wake as often as one pump does under all of it.
type Traffic struct{ queries atomic.Uint64 }

// pace is when a pump began its turns. Owned by it.
type pace struct {
	clock.Pace
	traffic *Traffic
	seen    uint64    // of the traffic, at the latest turn with queries
	began   time.Time // the latest turn with queries
	crowded int       // turns with queries that followed the one before within busyGap
	rests   int
}

func newPace(t *Traffic) pace {
	return pace{Pace: clock.Pace{Most: turnMax, Full: fullLoad}, traffic: t}
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
	before := c.seen
	c.seen = c.traffic.queries.Add(uint64(n))
	c.Add(int(c.seen-before), now)
}

// left is the time until the next turn should begin, not above 0 if that is now or
// the pump is not busy.
func (c *pace) left(now time.Time) time.Duration {
	if c.crowded < busyTurns {
		return 0
	}
	return c.Gap() - now.Sub(c.began)
}

// rest lets that time pass.
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
