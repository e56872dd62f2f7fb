// Package clock tells wall time to the loops that drive what decides. The XDP
// program reads no clock, so there is no other one to convert to.
package clock

import "time"

// Clock tells wall time. Code that decides takes a time.Time instead; a Clock
// is for the loops that drive it.
type Clock interface{ Now() time.Time }

// Wall is the machine's clock.
type Wall struct{}

// Now implements Clock.
func (Wall) Now() time.Time { return time.Now() }
