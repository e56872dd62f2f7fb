package sim

import (
	"time"

	"needletail/ha"
	"needletail/leases"
)

// update is lease4-update, lease4-del or needletail-lease4-apply at the receiver.
func (s *server) update(from *server, u ha.Update, sent time.Time, reply func(any)) {
	before := sent.Before(s.opened) // of another life of the partner's
	if s.settings.Partner == from.name {
		u.Lease.CLTT, u.At, sent = s.mine(u.Lease.CLTT), s.mine(u.At), s.mine(sent)
	} else {
		u.Lease.CLTT, u.At = u.Lease.CLTT.Add(s.skew-from.skew), u.At.Add(s.skew-from.skew)
	}
	u.At = s.past(u.At)
	if s.settings.Partner == from.name && (before || s.late(sent)) {
		s.c.world.logf("%s hears too late: %s for %s", s.name, u.Lease.Addr, u.Lease.ClientID)
		reply(contested)
		return
	}
	a := u.Lease.Addr
	if s.touched != nil {
		s.touched[a] = true
	}
	if have, ok := s.live.leases[a]; ok {
		if result := s.refuses(&have, &u); result != updated {
			s.c.world.logf("%s refuses %s for %s", s.name, a, u.Lease.ClientID)
			reply(result)
			return
		}
		if u.Delete && s.tooLate(&have, &u) {
			reply(updated)
			return
		}
		if !u.Delete && !s.c.Stream && ha.Passed(&have, &u.Lease, s.clock()) {
			u.Lease = have
		}
	} else if u.Delete {
		reply(updated)
		return
	}
	s.doom()
	s.c.world.logf("%s hears from %s: %s of %s for %s, delete %v", s.name, from.name, a, u.Lease.CLTT.Sub(epoch), u.Lease.ClientID, u.Delete)
	s.live.apply(u)
	s.told[a] = true
	delete(s.offers, a)
	if s.c.Mutation == AnswerEarly {
		s.save(u, func() {})
		reply(updated)
		return
	}
	s.save(u, func() { reply(updated) })
}

// late tells whether a partner's update is overtaken by a sync, or will be
// (errLate of the original).
func (s *server) late(sent time.Time) bool {
	_, known := s.m.Skew(s.rel)
	return !known || s.c.Stream && sent.Before(s.synced)
}

// refuses decides about a lease as the original does (Driver.applyEntry); where
// partners are no needletails, as a Kea whose thread is busy with the address.
func (s *server) refuses(have *leases.Lease, u *ha.Update) int {
	got := u.Lease
	if s.c.Mutation == TakeOlder && got.CLTT.Before(have.CLTT) {
		got.CLTT = have.CLTT
	}
	alone := ha.LoadBalancing
	if s.policy.Alone && s.c.Mutation != TakeAlone {
		alone = ha.PartnerDown
	}
	switch a := got.Addr; {
	case u.Delete || s.c.Mutation == IgnoreConflicts:
	case ha.Outlived(have, &got, s.partnersClock(), s.clock()):
		if s.c.Stream {
			return contested
		}
		return conflicted
	case s.c.Stream && ha.Contest(alone, s.index == 0 && !s.told[a], have, &got, s.clock()):
		return contested
	case !s.c.Stream && ha.Conflict(alone, have, &got, s.busy[a] > 0, s.clock()):
		return conflicted
	}
	return updated
}

// tooLate leaves alone what was given away since a deletion: by when it was made,
// or, told by a Kea, by whose lease it names.
func (s *server) tooLate(have *leases.Lease, u *ha.Update) bool {
	switch {
	case s.c.Mutation == DeleteLate:
		return false
	case s.c.Stream:
		return ha.Overtaken(have, !s.told[u.Lease.Addr], u.At, s.partnersClock(), s.clock())
	}
	return ha.TooLate(have, &u.Lease, s.clock())
}
