package slowpath

import "time"

// absence is what a pump knows of times in which it did not run: the process was
// stopped (SIGSTOP), the machine suspended or starved. A partner may have taken
// this server's clients over meanwhile, and what waited in sockets and in the
// backlog may be settled long since: a RELEASE of a lease that the partner has
// given to its client anew must not end it. Owned by the pump.
//
// No time of arrival is needed for that, which the kernel does not tell of every
// frame: whatever has arrived when an absence ends has waited through some of it.
type absence struct {
	looked time.Time     // when the pump looked last; zero: never
	over   bool          // an absence is over, and the port was not seen empty since
	waited time.Duration // queries admitted up to then have waited; see entry.arrived
}

// idle is how long a pump may wait for queries and still notice an absence of
// limit; 0: there is none to notice.
func (absence) idle(limit time.Duration) time.Duration {
	if limit <= 0 {
		return idleWait
	}
	return min(idleWait, limit/2)
}

// look begins a turn, after its queries were received and before they are
// admitted. emptied: the port holds no more. now is on the clock of since,
// when the pump was made.
func (a *absence) look(now, since time.Time, limit time.Duration, emptied bool) {
	if limit > 0 && !a.looked.IsZero() && elapsed(a.looked, now) > limit {
		a.over = true
	}
	a.looked = now
	if a.over {
		a.waited = now.Sub(since)
		a.over = !emptied
	}
}

// elapsed is the longer of two measures: the monotonic clock of Linux stands
// still while a machine sleeps, and wall time may be set back.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// missed tells whether a query that arrived then has waited through an absence.
func (a *absence) missed(arrived time.Duration) bool { return a.waited > 0 && arrived <= a.waited }
