package ha

import (
	"sync"
	"time"
)

// skewNoise is how far two equal clocks may seem apart: a heartbeat tells whole
// seconds.
const skewNoise = time.Second

// slackMax is how far the times of one moment may be apart that travelled
// between two servers: each crossing is off by skewNoise at most.
const slackMax = 2 * skewNoise

// Clock is another server's clock as seen from ours. The zero value is a clock
// that we know nothing about.
type Clock struct{ Ahead time.Duration } // theirs minus ours, as last measured

// Ours puts a time of that clock on ours. Without it a server whose clock is
// ahead would take leases for expired that clients still hold, and a sync would
// take the wrong one for newer. Kea does not.
func (c Clock) Ours(t time.Time) time.Time {
	if c.near() {
		return t
	}
	return t.Add(-c.Ahead)
}

func (c Clock) near() bool { return c.Ahead.Abs() <= skewNoise }

// slack is how far the same lease's times may be apart here and there.
func (c Clock) slack() time.Duration {
	if c.near() {
		return 0
	}
	return slackMax
}

// see takes in the partner's clock minus ours, once that is known.
func (l *link) see(skew time.Duration, known bool) {
	l.skew.Store(int64(skew))
	l.clocked.Store(known)
}

// clock is the active partner's, as heartbeats tell it.
func (l *link) clock() Clock { return Clock{time.Duration(l.skew.Load())} }

// clockOf is the clock of whoever sent a request at a time told by it. A backup
// asks for no heartbeats.
func (l *link) clockOf(from *peer, told, now time.Time) Clock {
	switch {
	case from == l.partner:
		return l.clock()
	case told.UnixMilli() == 0:
		return Clock{} // it does not tell
	}
	return from.clock.saw(told, now)
}

// sightingMax is how long a sighting of a clock is trusted.
const sightingMax = time.Minute

// sighting is a clock as requests tell it. A request may be late by any time (a
// process was stopped, a connection was slow), never early: the one by which the
// clock looks furthest ahead was the quickest, and stands for a while.
type sighting struct {
	mu    sync.Mutex // guards the rest
	ahead time.Duration
	at    time.Time // ours; zero: none yet
}

func (s *sighting) saw(theirs, ours time.Time) Clock {
	s.mu.Lock()
	defer s.mu.Unlock()
	ahead := theirs.Sub(ours)
	if s.at.IsZero() || ahead >= s.ahead || ours.Sub(s.at).Abs() > sightingMax {
		s.ahead, s.at = ahead, ours
	}
	return Clock{s.ahead.Round(time.Second)}
}
