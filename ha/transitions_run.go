package ha

import (
	"time"

	"needletail/internal/control"
)

// run moves the machine until it stays (Kea: state_model.cc, runModel). The
// table has no cycle, which a test shows; statesEnd steps are more than any path.
func (r *relationship) run(now time.Time) {
	for range statesEnd {
		if !r.handle(now) {
			return
		}
	}
	panic("ha: the transition table has a cycle")
}

// handle is one run of the present state's handler. It reports whether the
// state changed.
func (r *relationship) handle(now time.Time) bool {
	r.armHeart(now)
	if r.paused || r.job.syncing || !moves(r.state) {
		return false
	}
	if r.state == Waiting {
		if next := r.home(); next != Waiting {
			r.enter(now, next, "this server's part has no partner to agree with")
			return true
		}
	}
	if why := r.mustTerminate(now); why != "" {
		r.enter(now, Terminated, why)
		return true
	}
	w := table[r.state][column(r.Mode, r.partner.state)]
	if w == nil {
		return false
	}
	next, why := w.do(r, now)
	if next == r.state {
		return false
	}
	r.enter(now, next, why)
	return true
}

// moves reports whether a state's handler does more than its entry (Kea:
// ha_service.cc, the handlers of these four).
func moves(s State) bool {
	return s != InMaintenance && s != Terminated && s != Backup && s != PassiveBackup
}

// home is where a server without an active partner belongs (Kea:
// ha_service.cc, waitingStateHandler).
func (r *relationship) home() State {
	switch {
	case r.Role() == RoleBackup:
		return Backup
	case r.Mode == ModePassiveBackup:
		return PassiveBackup
	default:
		return Waiting
	}
}

// mustTerminate is the terminate check (Kea: ha_service.cc, shouldTerminate).
func (r *relationship) mustTerminate(now time.Time) string {
	r.partner.forgive(now, nil)
	switch {
	case r.partner.tooSkewed():
		return "clock skew of " + r.partner.skew.String() + " exceeds " + skewMax.String() + ": synchronise the clocks, then restart"
	case r.partner.tooRejected(r.RejectedMax):
		return "the partner rejected updates of too many clients: compare the configurations, then restart"
	}
	return ""
}

// enter makes next the state: leaves the old one, logs, acts on entry (Kea ARM,
// "Server States"; ha_service.cc, the doOnEntry parts).
func (r *relationship) enter(now time.Time, next State, why string) {
	r.leave()
	from := r.state
	r.previous, r.state, r.entered = from, next, now
	if !r.paused && from != next {
		r.paused = r.pauses(next)
	}
	if from != Unknown {
		r.then(Transition{Relationship: r.i, From: from, To: next, Partner: r.partner.state, Reason: why, Paused: r.paused})
	}
	r.notified, r.yielded, r.standsIn = 0, false, false
	r.served = r.entryScopes(next)
	r.adjustService()
	switch next {
	case Waiting, Syncing, Ready, PartnerDown, Terminated:
		r.partner.rejected = nil
	}
	switch next {
	case Terminated, PassiveBackup, Backup:
		r.stopHeart()
	case CommunicationRecovery:
		r.backlog.start(r.DelayedMax)
	case PartnerDown:
		r.feeding = false // the stream's partner is the one that is gone
		r.pressed = false // and if it was reset, it has read nothing
	case LoadBalancing, HotStandby:
		r.feeding = false
		if r.owes() && !r.pressed { // by way of maintenance; else toNormal has seen to it
			r.sendReset(now)
		}
	}
	r.armHeart(now)
}

// leave ends what belongs to the present state.
func (r *relationship) leave() {
	if r.job.syncing {
		r.job.syncing = false
		r.then(StopSync{r.i})
	}
	if r.state == CommunicationRecovery {
		// What was never sent the partner must fetch: Kea forgets it here.
		r.unsent.Add(r.backlog.stop())
	}
	r.job.drain.leave()
	r.job.reset.leave()
}

// pauses evaluates the pause of a state that is being entered.
func (r *relationship) pauses(s State) bool {
	first := !r.visited[s]
	r.visited[s] = true
	if s == InMaintenance {
		return false
	}
	return r.Pauses[s] == PauseAlways || r.Pauses[s] == PauseOnce && first
}

// entryScopes are the scopes a state starts with. ha-scopes may change them
// until the next state.
func (r *relationship) entryScopes(s State) []string {
	switch s {
	case LoadBalancing, HotStandby, CommunicationRecovery, Terminated, PassiveBackup:
		return r.defaultScopes()
	case PartnerInMaintenance:
		return r.failoverScopes()
	case PartnerDown:
		if r.self().AutoFailover {
			return r.failoverScopes()
		}
		return r.defaultScopes()
	}
	return nil
}

// adjustService switches the service for this relationship as the state wants
// it. Kea leaves its own origin out when another one has the service disabled
// already, and comes on with that one; ours is always recorded.
func (r *relationship) adjustService() {
	o := origin{control.OriginHALocal + control.Origin(r.i), r.i}
	switch r.state {
	case LoadBalancing, HotStandby, CommunicationRecovery, PartnerDown, PartnerInMaintenance, PassiveBackup, Terminated:
		r.m.service.enable(o)
	default:
		r.m.service.disable(o, 0, r.entered)
	}
}
