package ha

import "time"

func (r *relationship) heartbeatDone(now time.Time, h HeartbeatDone) {
	old := r.heart.old
	r.heart.flying, r.heart.old, r.heart.wanted = false, false, r.heart.wanted && old
	r.heart.due = time.Time{}
	if h.Err != "" {
		r.partner.lost()
	} else {
		h.State = r.sinceCancel(h)
		r.heardFrom(now, h)
	}
	if old && (r.state == PartnerDown || r.state == Ready || r.state == Waiting) {
		r.armHeart(now) // it tells what the partner was before
		if r.notified > 0 || r.state == Waiting {
			r.heartSoon(now) // and we are silent until we know what it is
		}
		return
	}
	r.run(now)
	if !old {
		r.endSilence()
		r.yieldToPartner()
		r.remindPartner(now)
	}
}

// remindPartner resets a partner that serves beside us and lacks leases of ours: a
// change of the time before was counted after it had begun to read them.
func (r *relationship) remindPartner(now time.Time) {
	switch {
	case r.state != r.normal() || r.reading || !r.owes():
	case r.pressed && r.partner.state == Ready:
		r.forgo()
	case !r.pressed && r.partner.state == r.state:
		r.sendReset(now)
	}
}

func (r *relationship) heardFrom(now time.Time, h HeartbeatDone) {
	if r.counts == forFailure {
		r.forgetClients(now)
	}
	r.partner.heard(now, h)
	if h.State == PartnerDown || h.State == r.normal() {
		r.pressed = false // it has gone another way, and read nothing
	}
	if h.State != Syncing && (h.Began.IsZero() || h.Began.After(r.readAt)) {
		r.reading = r.reading && r.feeding // it died in the middle of a sync
	}
	if h.State == Ready || h.State == r.normal() {
		r.stepBack()
	}
	if r.state != PartnerDown {
		r.partner.together()
	}
	if r.state == r.normal() && h.State == r.state {
		r.partner.read = h.Unsent
	}
	if r.partner.skewed(now) && !r.partner.tooSkewed() {
		r.warn("the partner's clock differs by " + r.partner.skew.String() +
			"; beyond " + skewMax.String() + " HA terminates: synchronise the clocks")
	}
}

// endSilence ends the silence after a ha-sync-complete-notify in partner-down
// (Kea: ha_service.cc, partnerDownStateHandler). Kea ends it on a failed
// heartbeat only, and stays silent if the partner has gone elsewhere than
// ready; we serve again, and rejoin sees to what the partner missed.
func (r *relationship) endSilence() {
	switch {
	case r.notified == 0:
		return
	case r.partner.state == Ready || r.partner.state == Syncing && r.notified > 1:
		r.notified-- // it is about to become ready, or we are about to reset it
	default:
		r.notified = 0
	}
	if r.notified == 0 {
		r.adjustService()
	}
}

// yieldToPartner lets go of the partner's clients in partner-in-maintenance
// while the partner serves them itself: a cancel reached it whose answer did not
// reach us. Kea serves on beside it. Only a change counts: between changes the
// scopes are the administrator's (ha-scopes).
func (r *relationship) yieldToPartner() {
	if r.state != PartnerInMaintenance || r.job.maintenance != nil {
		return
	}
	switch r.partner.state {
	case InMaintenance:
		r.yieldNow(false)
	case LoadBalancing, HotStandby, CommunicationRecovery, PartnerDown:
		r.yieldNow(true)
	}
}

func (r *relationship) yieldNow(yield bool) {
	switch {
	case yield == r.yielded:
		return
	case yield:
		r.served = r.defaultScopes()
	default:
		r.served = r.failoverScopes()
	}
	r.yielded = yield
}

func (r *relationship) updatesDone(now time.Time, u UpdatesDone) {
	r.partner.forgive(now, u.Accepted)
	if r.RejectedMax > 0 { // else nobody ever looks at them
		r.partner.reject(now, u.Rejected)
	}
	if u.Err != "" {
		r.partner.lost()
		r.feeding = false
	}
	r.run(now)
}

func (r *relationship) countedNow(now time.Time, c Counted) {
	if r.counts == notCounting {
		return
	}
	r.partner.counted = c
	if r.counts == forFailure {
		r.run(now)
		return
	}
	r.watch(now)
}

// syncDone ends syncing: ready, or stay and retry at the next good heartbeat.
// A finished sync is contact, which Kea does not see: without it one lost
// heartbeat after a long sync means partner-down beside a partner that serves.
// Nor is the silence of a sync that fails the partner's: we asked no heartbeats,
// so it takes one that fails to believe it down.
func (r *relationship) syncDone(now time.Time, d SyncDone) {
	if !r.job.syncing || d.ID != r.job.syncID {
		return
	}
	r.job.syncing = false
	r.armHeart(now)
	if d.Err != "" {
		r.partner.lost()
		r.heart.wanted, r.heart.old = r.Heart > 0, r.heart.flying
		return
	}
	r.partner.contact, r.partner.read = now, r.partner.unsent[1]
	r.enter(now, Ready, "all leases of the partner are here")
	r.run(now)
}

// backlogDone ends the sending of the backlog (Kea: ha_service.cc,
// communicationRecoveryHandler). Kea retries at once and for ever; we retry
// with the next heartbeat.
func (r *relationship) backlogDone(now time.Time, d BacklogDone) {
	if !r.job.drain.done() {
		return
	}
	if d.Err == "" {
		r.enter(now, LoadBalancing, "the partner has all updates of the outage")
		r.run(now)
		return
	}
	if !r.backlog.Overflowed() {
		r.partner.lost()
	}
	r.sendReset(now)
}

func (r *relationship) sendReset(now time.Time) {
	if r.job.reset.begin() {
		r.resetAt = now
		r.then(SendReset{r.i})
	}
}

// presses notes that the partner was reset. It may have begun to read our leases, or
// be done with that, before its answer to the reset is here.
func (r *relationship) presses() {
	if r.readAt.Before(r.resetAt) {
		r.reading, r.pressed = false, true
	}
}

// resetDone ends a ha-reset that we sent, from communication-recovery or
// because we owe leases.
func (r *relationship) resetDone(now time.Time, d ResetDone) {
	mine := r.job.reset.done()
	switch {
	case d.Err != "":
		r.partner.lost()
	case !mine:
	case r.state == CommunicationRecovery:
		r.enter(now, Waiting, "updates were lost in the outage, both servers synchronise")
		r.presses()
		r.run(now)
	default:
		r.presses()
		r.heart.old = r.heart.flying
		r.partner.state = Waiting // whatever it was when we last heard of it
	}
}

// streamOpened begins a sync of the partner that carries live changes: nothing
// goes unsent from here on.
func (r *relationship) streamOpened(now time.Time) {
	if r.SendUpdates {
		r.feeding = true
	}
	r.reading = false
	r.readingBegins(now)
	r.whole = true
}

func (r *relationship) warn(text string) { r.then(Warning{r.i, text}) }
