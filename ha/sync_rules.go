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
// there the lease stays until it expires. So does, where clocks differ, one that our own
// client has had later by their word: the ended one may be its lease before, which it
// gave back to us and we told the partner of.
func (c Clock) Ends(have, got *leases.Lease, ours bool) bool {
	later := have.CLTT.Sub(got.CLTT)
	return (got.State == leases.Released || got.State == leases.Reclaimed) &&
		have.State == leases.Active && leases.SameClient(have, got) && later.Abs() <= c.slack() && !(ours && later > 0)
}

// Stays tells whether an address that we gave to a client while we served alone
// stays that client's, whatever a sync says. The partner has it for another one: it
// slept, wakes up and has not been told; its own client gets no reply, since the
// update that comes with it is refused (Conflict). Only a partner that has itself
// given nothing away without us (Policy.Keeps) can be wrong about that, and not about
// what it told us itself.
func (p Policy) Stays(have, got *leases.Lease, by leases.Source, now time.Time) bool {
	return p.Keeps && by.Ours && !by.Untold && got.State == leases.Active && Conflict(PartnerDown, have, got, false, now)
}

// Cedes tells whether a partner that serves alone is right about an address that it
// has for another client than we do, where the times leave a doubt. While we gave
// nothing away without it (Policy.Yields), no client was told of our lease: the
// partner never heard of that, for we stopped before it answered.
func (p Policy) Cedes(have, got *leases.Lease, now time.Time) bool {
	return p.Yields && have.State == leases.Active && promised(got, now) &&
		!leases.SameClient(have, got) && have.CLTT.Sub(got.CLTT) <= slackMax
}

// Buried tells whether a deletion was made after a lease's last transaction and
// so speaks of that lease. One of the two times has travelled.
func Buried(l *leases.Lease, deleted time.Time) bool {
	return l.CLTT.Add(slackMax).Before(deleted)
}
