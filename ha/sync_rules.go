package ha

import (
	"time"

	"needletail/leases"
)

// What a sync takes over beside leases.Supersedes. These rules know nothing of
// stores and networks, so that the simulation runs the same ones. Where times
// leave a doubt the lease stays: one too many blocks an address, one too few
// gives it to two clients.

// Ends tells whether a lease of a needletail's sync ends ours. A release, and
// the reclaiming of an expired lease, leave the client's last transaction time as
// it was: of two with the same time the ended one is newer. A Kea cannot tell;
// there the lease stays until it expires.
func (c Clock) Ends(have, got *leases.Lease) bool {
	return (got.State == leases.Released || got.State == leases.Reclaimed) &&
		have.State == leases.Active && leases.SameClient(have, got) && have.CLTT.Sub(got.CLTT).Abs() <= c.slack()
}

// Buried tells whether a deletion was made after a lease's last transaction and
// so speaks of that lease. One of the two times has travelled.
func Buried(l *leases.Lease, deleted time.Time) bool {
	return l.CLTT.Add(slackMax).Before(deleted)
}
