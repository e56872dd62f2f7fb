package ha

import (
	"fmt"
	"time"

	"needletail/internal/control"
)

// maintenance is a ha-maintenance-notify under way to the partner.
type maintenance struct {
	token  uint64 // 0: our own doing, see deaf
	cancel bool
	next   State // after a cancel
}

// maintenanceStart is ha-maintenance-start (Kea: ha_service.cc,
// processMaintenanceStart): the partner shall step aside.
func (r *relationship) maintenanceStart(now time.Time, in MaintenanceStart) {
	switch {
	case r.Partner == "":
		r.answer(in.Token, control.ResultError, "this relationship has no partner to put in maintenance")
	case r.state == InMaintenance || r.state == PartnerInMaintenance || r.state == Terminated:
		r.answer(in.Token, control.ResultError, "unable to start maintenance in the "+r.state.String()+" state")
	case r.job.maintenance != nil:
		r.answer(in.Token, control.ResultError, "another maintenance command waits for the partner's answer")
	default:
		r.job.maintenance = &maintenance{token: in.Token}
		r.then(SendMaintenance{Relationship: r.i, State: r.state})
	}
}

// maintenanceCancel is ha-maintenance-cancel (Kea: processMaintenanceCancel).
// The partner serves again before its answer reaches us; Kea goes on serving
// the partner's clients until then, so that both give away the same addresses.
// We let go of them first.
func (r *relationship) maintenanceCancel(now time.Time, in MaintenanceCancel) {
	switch {
	case r.state != PartnerInMaintenance:
		r.answer(in.Token, control.ResultError, "unable to cancel maintenance in the "+r.state.String()+" state")
	case r.job.maintenance != nil:
		r.answer(in.Token, control.ResultError, "another maintenance command waits for the partner's answer")
	default:
		next := r.previous
		if next == PartnerInMaintenance {
			next = Waiting
		}
		r.job.maintenance = &maintenance{token: in.Token, cancel: true, next: next}
		r.served = r.defaultScopes()
		r.then(SendMaintenance{Relationship: r.i, Cancel: true, State: next})
	}
}

// maintenanceDone takes the partner's answer.
func (r *relationship) maintenanceDone(now time.Time, d MaintenanceDone) {
	m := r.job.maintenance
	if m == nil {
		return
	}
	r.job.maintenance = nil
	if m.cancel {
		r.cancelDone(now, m, d)
	} else {
		r.startDone(now, m, d)
	}
}

// startDone: a partner that agrees is in maintenance; one that cannot be
// reached is taken for down, whatever auto-failover says: the administrator has
// spoken (Kea: processMaintenanceStart). Kea takes one that refuses with an
// error (result 1, or HTTP 401 and 403) for down too, and both then serve
// everybody. A partner that answers is alive: we stay as we are.
func (r *relationship) startDone(now time.Time, m *maintenance, d MaintenanceDone) {
	switch {
	case r.state == Terminated || r.state == InMaintenance:
		r.answer(m.token, control.ResultError, "the state became "+r.state.String()+" meanwhile")
	case d.Result == control.ResultSuccess:
		r.partner.state = InMaintenance
		if r.state != PartnerInMaintenance {
			r.enter(now, PartnerInMaintenance, "maintenance was started here")
		}
		if m.token == 0 {
			r.tookOver(now)
		}
		r.heart.old = r.heart.flying
		r.run(now)
		r.answer(m.token, control.ResultSuccess, "Server is now in the partner-in-maintenance state.")
	case !d.Silent:
		r.answer(m.token, control.ResultError, fmt.Sprintf("the partner does not step aside (result %d: %s): to serve for it all the same, stop it first", d.Result, d.Err))
	case m.token == 0: // our own doing never ends in serving beside a partner that serves
		r.partner.lost()
		r.run(now)
	default:
		r.partner.lost()
		r.enter(now, PartnerDown, "maintenance was started here and the partner cannot be reached: "+d.Err)
		r.served = r.failoverScopes()
		r.handle(now)
		r.answer(m.token, control.ResultSuccess, "Server is now in the partner-down state as its partner appears to be offline for maintenance.")
	}
}

func (r *relationship) cancelDone(now time.Time, m *maintenance, d MaintenanceDone) {
	switch {
	case r.state != PartnerInMaintenance:
		r.answer(m.token, control.ResultError, "the state became "+r.state.String()+" meanwhile")
	case d.Result != control.ResultSuccess:
		r.partner.lost()
		r.served, r.yielded = r.failoverScopes(), false
		r.answer(m.token, control.ResultError, "unable to cancel maintenance: the partner did not agree: "+d.Err)
	default:
		r.partner.state = orUnavailable(d.State)
		r.heart.cancelled = now
		r.enter(now, m.next, "maintenance was cancelled here")
		r.heartSoon(now)
		r.answer(m.token, control.ResultSuccess, "Server maintenance successfully canceled.")
	}
}

// relapse is how long after a cancel a Kea may go back to maintenance by itself:
// until its next heartbeat, and we do not know its heartbeat-delay.
const relapse = time.Minute

// aside is where a partner takes us that is in maintenance. A Kea before 2.7.5 goes
// back there after a cancel, for ever, and would take us along, if its machine runs (a
// heartbeat under way ends, a lease update of its first client does) before a new
// heartbeat has told it that we have left partner-in-maintenance. No cancel helps it
// then: we reset it, stay, and serve its clients until it does.
func aside(r *relationship, now time.Time) (State, string) {
	if r.job.maintenance != nil || now.Sub(r.heart.cancelled) > relapse {
		return PartnerInMaintenance, partnerAside
	}
	if !r.pressed {
		r.standsIn, r.served = true, r.failoverScopes()
		r.sendReset(now)
	}
	return r.state, ""
}

// stepBack ends what aside has begun. The partner serves once it has read our leases
// and seen us in the normal state: we let go of its clients first.
func (r *relationship) stepBack() {
	if r.standsIn {
		r.standsIn, r.served = false, r.defaultScopes()
	}
}

// maintenanceNotify is the partner's ha-maintenance-notify (Kea:
// processMaintenanceNotify). Beyond Kea it is refused while our own start is
// under way, else both step in for each other and both serve everybody; and
// while the partner lacks leases of ours, which it would give to others.
func (r *relationship) maintenanceNotify(now time.Time, in MaintenanceNotify) {
	if in.Cancel {
		r.cancelNotified(now, in)
		return
	}
	starting := r.job.maintenance != nil && !r.job.maintenance.cancel
	if starting || r.lacking() || r.state == Backup || r.state == PartnerInMaintenance || r.state == Terminated {
		r.answer(in.Token, resultNotAllowed, "Unable to transition the server from the "+r.state.String()+" to in-maintenance state.")
		return
	}
	if r.state != InMaintenance {
		r.enter(now, InMaintenance, "the partner asked for it")
	}
	r.answer(in.Token, control.ResultSuccess, "Server is in-maintenance state.")
}

// lacking reports whether the partner lacks leases that we have promised.
func (r *relationship) lacking() bool {
	return r.owes() || r.state == CommunicationRecovery && !r.backlog.clean()
}

func (r *relationship) cancelNotified(now time.Time, in MaintenanceNotify) {
	if r.state != InMaintenance {
		r.answer(in.Token, control.ResultError, "Unable to cancel the maintenance for the server not in the in-maintenance state.")
		return
	}
	next := r.previous
	if next == InMaintenance {
		next = Waiting
	}
	r.partner.state = orUnavailable(in.State)
	r.heart.cancelled = now.Add(cancelLag)
	r.enter(now, next, "the partner cancelled maintenance")
	r.answerState(in.Token, control.ResultSuccess, "Server maintenance canceled.", r.state)
}

// cancelLag is how long after a cancel the partner may still report that it is
// partner-in-maintenance: it leaves that state when it has our answer.
const cancelLag = time.Second

// sinceCancel is the state a heartbeat found the partner in, unless that is a
// state of maintenance from before a cancel. Taken for news it would begin
// maintenance again, by itself, which Kea does.
func (r *relationship) sinceCancel(h HeartbeatDone) State {
	if h.State.maintained() && !h.Began.IsZero() && h.Began.Before(r.heart.cancelled) {
		return r.normal()
	}
	return h.State
}

func (s State) maintained() bool { return s == InMaintenance || s == PartnerInMaintenance }

func orUnavailable(s State) State {
	if s == Unknown {
		return Unavailable
	}
	return s
}
