package wire

import (
	"sync/atomic"
	"time"
)

// Clock is the transcript's time for a server in this process: it stands still
// but for Advance. Any goroutine.
type Clock struct{ ns atomic.Int64 }

// Set puts the clock to a time.
func (c *Clock) Set(t time.Time) { c.ns.Store(t.UnixNano()) }

// Now implements clock.Clock.
func (c *Clock) Now() time.Time { return time.Unix(0, c.ns.Load()) }

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.ns.Add(int64(d)) }
