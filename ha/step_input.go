package ha

import (
	"time"

	"needletail/internal/control"
	"needletail/internal/scope"
)

// Input is one thing that happened to a relationship. Token, where an input
// has one, names the command that waits for the Answer effect; the driver
// chooses it.
type Input interface{ input() }

// Tick says that time has passed: Output.Wake has been reached. Ticks may come
// at any time and as often as the driver likes.
type Tick struct{}

// HeartbeatDone is the end of a heartbeat asked for by SendHeartbeat. A failed
// one has Err only: transport, timeout, bad JSON, result other than 0 and 3,
// missing or unknown state, missing or bad date-time.
type HeartbeatDone struct {
	Err    string
	State  State
	Time   time.Time // the partner's date-time
	At     time.Time // when the answer came; zero: now
	Scopes []string
	Unsent uint64    // unsent-update-count; 0 if absent
	Began  time.Time // when it was asked; zero: after everything that the machine knows
}

// UpdatesDone reports answers to awaited lease updates, of one query or of
// many. Kea's machine runs when the last answer of a query is in; ours runs
// whenever the driver reports. A success of a client needs reporting only while
// Status.Rejected is not 0.
type UpdatesDone struct {
	Err      string      // an update to the active partner failed (not: conflicted)
	Rejected []ClientKey // clients whose update the active partner answered with a conflict
	Accepted []ClientKey // clients whose updates all succeeded
}

// ClientKey identifies a client as the rejected set does (Kea:
// communication_state.h): hardware address and option 61 data.
type ClientKey struct{ HW, ID string }

// SyncDone is the end of the sync that StartSync began, ha-sync-complete-notify
// included. A stale ID is ignored.
type SyncDone struct {
	ID  uint64
	Err string
}

// BacklogDone is the end of SendBacklog. Without Err everything was sent and
// Drain.Seal has returned true.
type BacklogDone struct{ Err string }

// ResetDone is the partner's answer to SendReset.
type ResetDone struct{ Err string }

// MaintenanceDone is the partner's answer to SendMaintenance. Result is its
// result code. Silent says that none came: a transport error, which Err names,
// or something that is no answer.
type MaintenanceDone struct {
	Result int
	Silent bool
	Err    string
	State  State // arguments.state of the answer, Unknown if absent
}

// Counted is what the filters have counted for this relationship. The driver
// reports it before every Tick, HeartbeatDone and UpdatesDone while
// Scope.Interrupted is set, and when a filter wakes it. Where names the relays
// or subnets the unacked clients came through, as far as known.
type Counted struct {
	scope.Unacked
	Where []string
}

// Reset is the command ha-reset.
type Reset struct{ Token uint64 }

// Continue is the command ha-continue.
type Continue struct{ Token uint64 }

// SetScopes is the command ha-scopes: Names are server names.
type SetScopes struct {
	Token uint64
	Names []string
}

// MaintenanceStart is the command ha-maintenance-start.
type MaintenanceStart struct{ Token uint64 }

// MaintenanceCancel is the command ha-maintenance-cancel.
type MaintenanceCancel struct{ Token uint64 }

// MaintenanceNotify is the partner's ha-maintenance-notify. State is Unknown
// if absent or not a state.
type MaintenanceNotify struct {
	Token  uint64
	Cancel bool
	State  State
}

// SyncComplete is the partner's ha-sync-complete-notify. Origin is 0 if
// absent and then taken as OriginHARemote: a Kea older than 2.5.5 sends none
// (Kea releases 2001 there and stays silent for a minute). Backup says that it
// is not the active partner's: it tells nothing of what that one has read.
type SyncComplete struct {
	Token  uint64
	Origin control.Origin
	Backup bool
}

// ServiceOff is dhcp-disable. Shared says that it came over a socket that
// belongs to no relationship: then it silences all of them.
type ServiceOff struct {
	Token  uint64
	Origin control.Origin
	Shared bool
	Period time.Duration // max-period; 0: until enabled
}

// ServiceOn is dhcp-enable.
type ServiceOn struct {
	Token  uint64
	Origin control.Origin
	Shared bool
}

// ReadFromStart says that somebody reads our leases from the first one on.
type ReadFromStart struct{}

// StreamOpened says that the partner, a needletail, has begun a sync from us
// that carries live changes: from now on every lease change goes to it in
// whatever state we are, so nobody needs to be silent. StreamClosed says that
// the stream broke or ended without a notify.
type (
	StreamOpened struct{}
	StreamClosed struct{}
)

func (Tick) input()              {}
func (HeartbeatDone) input()     {}
func (UpdatesDone) input()       {}
func (SyncDone) input()          {}
func (BacklogDone) input()       {}
func (ResetDone) input()         {}
func (MaintenanceDone) input()   {}
func (Counted) input()           {}
func (Reset) input()             {}
func (Continue) input()          {}
func (SetScopes) input()         {}
func (MaintenanceStart) input()  {}
func (MaintenanceCancel) input() {}
func (MaintenanceNotify) input() {}
func (SyncComplete) input()      {}
func (ServiceOff) input()        {}
func (ServiceOn) input()         {}
func (ReadFromStart) input()     {}
func (StreamOpened) input()      {}
func (StreamClosed) input()      {}
