package ha

import (
	"strings"
	"time"

	"needletail/internal/control"
)

// command dispatches the commands of administrators and of the partner.
func (r *relationship) command(now time.Time, in Input) {
	switch in := in.(type) {
	case Reset:
		r.reset(now, in)
	case Continue:
		r.unpause(in)
	case SetScopes:
		r.setScopes(in)
	case MaintenanceStart:
		r.maintenanceStart(now, in)
	case MaintenanceCancel:
		r.maintenanceCancel(now, in)
	case MaintenanceNotify:
		r.maintenanceNotify(now, in)
	case MaintenanceDone:
		r.maintenanceDone(now, in)
	case SyncComplete:
		r.syncComplete(now, in)
	case ServiceOff:
		r.serviceOff(now, in)
	case ServiceOn:
		if in.Origin >= control.OriginHARemote && in.Origin < control.OriginHARemote+1000 {
			r.reading = false // its sync has failed
		}
		r.m.service.enable(origin{in.Origin, r.reach(in.Origin, in.Shared)})
		r.answer(in.Token, control.ResultSuccess, control.EnabledText)
	default:
		panic("ha: unknown input")
	}
}

// reset is ha-reset (Kea: ha_service.cc, processHAReset). It works in every
// state, paused too, and stops after the first handler: a sync begins with the
// next heartbeat. Silence before it does not count: a partner that has just
// asked for it is no reason for partner-down, where Kea may go at once. Nor does
// the skew: terminated sends no heartbeats, so that it may be of long ago, and
// one of then would terminate again in this very step.
func (r *relationship) reset(now time.Time, in Reset) {
	if r.state == Waiting {
		r.answer(in.Token, control.ResultSuccess, "HA state machine already in WAITING state.")
		return
	}
	r.partner.contact, r.partner.hasSkew = now, false
	r.enter(now, Waiting, "ha-reset")
	r.handle(now)
	r.answer(in.Token, control.ResultSuccess, "HA state machine reset.")
}

// unpause is ha-continue: the machine moves at its next event.
func (r *relationship) unpause(in Continue) {
	text := "HA state machine is not paused."
	if r.paused {
		r.paused, text = false, "HA state machine continues."
	}
	r.answer(in.Token, control.ResultSuccess, text)
}

// setScopes is ha-scopes. The names are server names, not classes.
func (r *relationship) setScopes(in SetScopes) {
	for _, name := range in.Names {
		if !r.known(name) {
			r.answer(in.Token, control.ResultError, "invalid server name '"+name+"' in the list of scopes; use the names of the peers, without HA_")
			return
		}
	}
	r.served = in.Names
	r.adjustService()
	text := "New HA scopes configured: " + strings.Join(in.Names, ", ") + "."
	if len(in.Names) == 0 {
		text = "New HA scopes configured: none."
	}
	r.answer(in.Token, control.ResultSuccess, text)
}

func (r *relationship) known(name string) bool {
	for _, p := range r.Peers {
		if p.Name == name {
			return true
		}
	}
	return false
}

// syncComplete is the partner's ha-sync-complete-notify (Kea: ha_service.cc,
// processSyncCompleteNotify). In partner-down we go silent until our own next
// heartbeat, because the partner has read our leases and would miss what we
// change now; unless it is sent every change.
func (r *relationship) syncComplete(now time.Time, in SyncComplete) {
	if r.state == PartnerDown && !r.feeding && !in.Backup {
		r.notified = 2
		r.m.service.disable(origin{control.OriginHALocal + control.Origin(r.i), r.i}, 0, now)
		r.heartSoon(now)
	}
	if !in.Backup {
		r.stepBack()
	}
	if r.state != PartnerDown { // which feeds on until it sees the partner ready
		r.feeding = false
	}
	id := in.Origin
	if id == 0 {
		id = control.OriginHARemote
	}
	if r.reading && !in.Backup {
		if r.reading = false; r.whole {
			r.settled = r.reads
		}
	}
	r.m.service.release(origin{id, r.i})
	r.m.service.release(origin{id, everyone}) // had it come over a shared socket
	r.answer(in.Token, control.ResultSuccess, "Server successfully notified about the synchronization completion.")
}

// serviceOff is dhcp-disable. By the partner it begins a page of its sync.
func (r *relationship) serviceOff(now time.Time, in ServiceOff) {
	if in.Origin >= control.OriginHARemote && in.Origin < control.OriginDB {
		r.readingBegins(now)
	}
	r.m.service.disable(origin{in.Origin, r.reach(in.Origin, in.Shared)}, in.Period, now)
	text := "DHCPv4 service disabled"
	if in.Period > 0 {
		text += " for " + in.Period.String()
	}
	r.answer(in.Token, control.ResultSuccess, text)
}

// readingBegins remembers what was unsent when the partner's sync began. What is
// added before its end, by queries still under way or because it took so long that
// we served again, the pages read before may not have. Nor has it anything of us
// for certain if it began before we started (a server that stood still goes on).
func (r *relationship) readingBegins(now time.Time) {
	if !r.reading {
		r.reads, r.reading, r.whole, r.pressed, r.readAt = r.unsent.Load(), true, false, false, now
	}
}

// reach is whom an origin silences: this relationship, or all when the command
// came over a socket that belongs to none, or is no matter of HA.
func (r *relationship) reach(id control.Origin, shared bool) int {
	if shared || !id.HA() {
		return everyone
	}
	return r.i
}
