package ha

import "time"

// terminatedAfter is how long waiting bears a terminated partner (Kea: since
// 2.5.8; before, for ever).
const terminatedAfter = 10 * time.Minute

func to(next State, why string) rule {
	return func(*relationship, time.Time) (State, string) { return next, why }
}

// toSync goes to syncing, or past it when sync-leases is false.
func toSync(r *relationship, _ time.Time) (State, string) {
	if r.SyncLeases {
		return Syncing, "the partner is there"
	}
	return Ready, "the partner is there, sync-leases is false"
}

func primaryToSync(r *relationship, now time.Time) (State, string) {
	if r.Role() != RolePrimary {
		return r.state, ""
	}
	return toSync(r, now)
}

// toNormal begins common operation, once the partner knows our leases.
func toNormal(r *relationship, now time.Time) (State, string) {
	switch {
	case r.owes() && !r.pressed:
		r.sendReset(now)
		return r.state, ""
	case r.owes() && r.partner.state == Ready:
		r.forgo()
	}
	return r.normal(), "both servers are ready"
}

// forgo gives up on a partner that was reset and is ready without having read.
func (r *relationship) forgo() {
	r.warn("the partner goes on without having read our leases: is its sync-leases false?")
	r.settled = r.unsent.Load()
}

// owes reports whether we answered clients without the partner hearing of it
// and it has not synchronised since. Kea has only the partner look for that, by
// our unsent-update-count, and only from partner-down: a partner that has read
// our leases already, that never noticed, or whose count a restart has reset,
// goes on without. We reset such a partner, so that it reads them.
func (r *relationship) owes() bool {
	return r.Partner != "" && r.SyncLeases && r.unsent.Load() != r.settled
}

func primaryToNormal(r *relationship, now time.Time) (State, string) {
	if r.Role() != RolePrimary {
		return r.state, ""
	}
	return toNormal(r, now)
}

func afterTenMinutes(r *relationship, now time.Time) (State, string) {
	if now.Sub(r.entered) < terminatedAfter || now.Sub(r.partner.since) < terminatedAfter {
		return r.state, ""
	}
	return Terminated, "the partner stays terminated: restart both servers"
}

// startPatience is how long a server that serves nobody yet waits for its
// partner at least. A short max-response-delay is for failovers; on a start, when
// everything is busy, it would make a server with old leases serve beside a
// partner that lives and was only slow to answer.
const startPatience = 3 * time.Second

// partnerDown is Kea's shouldPartnerDown for an unavailable partner.
func partnerDown(r *relationship, now time.Time) (State, string) {
	off := !r.m.service.enabled(r.i)
	if !r.interrupted(now) || r.heart.wanted || off && now.Sub(r.partner.contact) <= startPatience {
		return r.state, ""
	}
	analyse := r.m.service.enabled(r.i) && (r.Mode == ModeLoadBalancing || r.Role() == RoleStandby)
	if !analyse {
		return PartnerDown, "no contact for max-response-delay"
	}
	if r.partner.failed(r.UnackedMax) {
		return PartnerDown, "no contact for max-response-delay and its clients are not answered"
	}
	return r.state, ""
}

func partnerDownOrRecovery(r *relationship, now time.Time) (State, string) {
	next, why := partnerDown(r, now)
	if next == r.state && r.DelayedMax > 0 && !r.heart.wanted {
		return CommunicationRecovery, "the partner does not answer"
	}
	return next, why
}

// runSync asks for the sync and stays: syncDone goes on. Heartbeats stop
// meanwhile (Kea: ha_service.cc, syncingStateHandler).
func runSync(r *relationship, _ time.Time) (State, string) {
	r.job.syncing = true
	r.job.syncID++
	r.stopHeart()
	r.then(StartSync{r.i, r.job.syncID})
	return r.state, ""
}

func waitingIfOverflowed(r *relationship, now time.Time) (State, string) {
	if r.interrupted(now) || !r.backlog.Overflowed() {
		return r.state, ""
	}
	return Waiting, "updates were lost in the outage"
}

func waitingIfInTouch(r *relationship, now time.Time) (State, string) {
	if r.interrupted(now) {
		return r.state, ""
	}
	return Waiting, "the partner's state does not fit"
}

// recoverUpdates sends the backlog; backlogDone goes on. A backlog that lost
// updates is of no use: both servers are reset and synchronise.
func recoverUpdates(r *relationship, now time.Time) (State, string) {
	switch {
	case r.interrupted(now) || r.job.drain != idle || r.job.reset != idle:
	case r.backlog.Overflowed():
		r.sendReset(now)
	case r.backlog.Drain().Seal():
		return LoadBalancing, "the partner is back, no update is missing"
	default:
		r.job.drain.begin()
		r.then(SendBacklog{r.i})
	}
	return r.state, ""
}

// rejoin ends partner-down. A partner that answered clients without telling us
// makes us synchronise.
func rejoin(r *relationship, now time.Time) (State, string) {
	if r.partner.newUnsent() {
		return Waiting, "the partner answered clients without telling us"
	}
	return toNormal(r, now)
}
