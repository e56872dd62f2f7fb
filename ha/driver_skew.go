package ha

import (
	"context"
	"time"
)

// skewNoise is how far two equal clocks may seem apart: a heartbeat tells whole
// seconds.
const skewNoise = time.Second

// ours puts a time of the active partner's clock on ours. Without it a server
// whose clock is ahead would take leases for expired that clients still hold,
// and a sync would take the wrong one for newer. Kea does not.
func (l *link) ours(t time.Time) time.Time {
	if by := time.Duration(l.skew.Load()); by.Abs() > skewNoise {
		return t.Add(-by)
	}
	return t
}

// landed waits until no lease change of ours waits for a partner's answer, or
// ctx ends. A sync begins with it: a change that is refused yet would pass for
// newer than what the partner has.
func (l *link) landed(ctx context.Context) {
	for l.parked.Load() > 0 && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}
