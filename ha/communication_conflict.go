package ha

import (
	"context"
	"time"

	"needletail/leases"
)

// Conflict decides whether a partner's lease update must be answered with
// result 4 instead of being taken. Kea's receiver overwrites without looking,
// except while a thread of its own is busy with the address; so do we, with
// exceptions, in most of which the address would be promised to two clients. The
// sender drops its client's answer then; the client asks again.
//
//   - busy: a change of our own to this address waits for the partner's answer,
//     or may have done so when the update was sent. Both servers have chosen the
//     same address at the same time.
//   - the update is older than what we know of another client: it was delayed
//     (a stopped process, a connection given up) and overtaken by a sync.
//   - the same client has released a later lease since: the update was delayed
//     alike, and would bring back what is over.
//   - we serve alone (partner-down) and have given the address to another
//     client: the partner is alive but does not know that we took over.
//
// have is nil when there is no lease of the address; now is our clock.
func Conflict(own State, have, got *leases.Lease, busy bool, now time.Time) bool {
	switch {
	case busy:
		return true
	case have != nil && have.State == leases.Released && got.State == leases.Active && leases.SameClient(have, got):
		return got.CLTT.Before(have.CLTT)
	case have == nil || !promised(have, now) || leases.SameClient(have, got):
		return false
	case got.CLTT.Before(have.CLTT):
		return true
	default: // a declined lease names no client
		return own == PartnerDown && got.State == leases.Active
	}
}

// promised tells whether a client has the address of a lease, its time not over.
func promised(l *leases.Lease, now time.Time) bool {
	return l.State == leases.Active && now.Before(l.Expires())
}

// unsettledMax is how long a change can be waiting for the partner: a request's
// timeout, and the disk's.
const unsettledMax = httpTimeout + 5*time.Second

// Contest applies Conflict to a lease as the store has it. Of two servers that
// chose one address at the same time the first one of the relationship wins:
// what it has given away itself a moment ago (wins) it does not let the other
// one take, settled or not. The other one yields, and its own reply does not
// leave (Store.Settle). Were both to refuse, two stubborn clients could keep each
// other from the address for ever.
//
// A needletail's update may come late (a link that was cut holds it): one by which
// the same client's lease would end before the client was told is refused too.
func Contest(own State, wins bool, have, got *leases.Lease, now time.Time) bool {
	if have.State == leases.Active && leases.SameClient(have, got) {
		return got.CLTT.Before(have.CLTT.Add(-slackMax))
	}
	busy := wins && promised(have, now) && got.State == leases.Active &&
		!leases.SameClient(have, got) && now.Sub(have.CLTT) < unsettledMax
	return Conflict(own, have, got, busy, now)
}

// Overtaken tells whether a deletion made at a moment of a clock comes too late: the
// address was given away since, by us or by whoever told us, and the client has it
// still. In doubt, which there is where clocks differ, it was if we gave it: we know that
// the client has it. A lease that the sender told us of was not: its deletion follows.
func Overtaken(have *leases.Lease, ours bool, at time.Time, clock Clock, now time.Time) bool {
	doubt := clock.slack()
	if ours {
		doubt = -doubt
	}
	return promised(have, now) && have.CLTT.After(at.Add(doubt))
}

// Outlived tells whether a release comes too late: its client has come again
// since and has the address. A release keeps the time of the lease that it ends,
// which we know as well as the sender, the slack of its clock apart; a later one
// ended it before.
func Outlived(have, got *leases.Lease, clock Clock, now time.Time) bool {
	return have != nil && got.State == leases.Released && promised(have, now) &&
		leases.SameClient(have, got) && got.CLTT.Add(clock.slack()).Before(have.CLTT)
}

// Refuses decides about a lease update of a Kea, told by its origin or by the
// listener it came through: Conflict's second and third case hold for it too, and Outlived.
// In the first one, both have just chosen the same address, we yield: a Kea takes our
// update whatever we answer, and our client gets no reply (Store.Settle). What
// an administrator writes is never refused.
func (d *Driver) Refuses(ctx context.Context, partner bool, have, got *leases.Lease) bool {
	_, own := via(ctx)
	now := time.Now()
	return (own || partner) && (Outlived(have, got, Clock{}, now) || Conflict(d.servesAlone(got.SubnetID), have, got, false, now))
}

// Passed tells whether a lease update of a Kea was overtaken on its way by the
// next one of the same client, which made have: a Kea sends over several connections
// at a time, and a client that asks again makes two updates of one lease; or it asked
// us while the Kea stood still, however long. A lease from a time to come, further than
// HA lets clocks differ, is the word of a clock that was wrong, and overtakes nothing.
func Passed(have, got *leases.Lease, now time.Time) bool {
	return got.CLTT.Before(have.CLTT) && !have.CLTT.After(now.Add(skewMax)) &&
		have.State == leases.Active && got.State == leases.Active && leases.SameClient(have, got)
}

// Passed is Passed for an update of a partner.
func (d *Driver) Passed(ctx context.Context, partner bool, have, got *leases.Lease) bool {
	_, own := via(ctx)
	return (own || partner) && Passed(have, got, time.Now())
}

// TooLate tells whether a deletion that names the lease it means, as a Kea's does,
// means another than the one there is: another client's, or an earlier one of the
// same client, which has come again since.
func TooLate(have, got *leases.Lease, now time.Time) bool {
	return promised(have, now) &&
		(!leases.SameClient(have, got) || got.CLTT.Unix() > 0 && got.CLTT.Before(have.CLTT))
}

// RefusesDeletion is Refuses for lease4-del: it carries the lease as the sender
// had it.
func (d *Driver) RefusesDeletion(ctx context.Context, partner bool, have, got *leases.Lease) bool {
	_, own := via(ctx)
	return (own || partner) && len(got.HW)+len(got.ClientID) > 0 && TooLate(have, got, time.Now())
}

// servesAlone is PartnerDown if the relationship of a subnet serves clients of whom
// its partner does not hear, which is all that Conflict asks of our state. Of a
// subnet that no relationship has, any may be meant.
func (d *Driver) servesAlone(subnet uint32) State {
	of := d.relationshipOf(subnet)
	for _, l := range d.links {
		if (of == nil || of == l) && l.policy.Load().Alone {
			return PartnerDown
		}
	}
	return LoadBalancing
}
