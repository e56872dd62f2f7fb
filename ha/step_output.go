package ha

import (
	"time"

	"needletail/internal/scope"
)

// Output is what the driver must do.
type Output struct {
	Effects []Effect  // in this order
	Wake    time.Time // call Step(now, i, Tick{}) no later than this; zero: no need
}

// Effect is one thing to do. Relationship is the index among the settings
// given to New.
type Effect interface{ effect() }

// SetScope replaces the scope in both filters, by one store each.
type SetScope struct {
	Relationship int
	Scope        scope.Scope
}

// Mark must be durable before the effects after it are carried out; the last
// one is given back to New as Settings.Alone and Read. Alone says that clients have
// been answered, or are about to be, without the partner hearing of it. Kea forgets
// that in a restart, and a partner that was away meanwhile never reads those
// leases. Read tells whether the partner has done so as well (Policy.Keeps).
type Mark struct {
	Relationship int
	Alone        bool
	Read         uint64 // the partner's unsent counter when we last knew all its leases; 0 unless Alone
}

// SetPolicy replaces what workers do with lease changes (atomic store).
type SetPolicy struct {
	Relationship int
	Policy       Policy
}

// SendHeartbeat asks for one ha-heartbeat; HeartbeatDone must follow, at the
// latest after Timeout.
type SendHeartbeat struct {
	Relationship int
	Timeout      time.Duration
}

// StartSync begins a sync from the active partner; SyncDone with the same ID
// must follow. StopSync abandons it: SyncDone need not follow.
type StartSync struct {
	Relationship int
	ID           uint64
}

// StopSync abandons a running sync.
type StopSync struct{ Relationship int }

// SendBacklog sends the backlog until Drain.Seal; BacklogDone must follow.
type SendBacklog struct{ Relationship int }

// SendReset sends ha-reset; ResetDone must follow.
type SendReset struct{ Relationship int }

// SendMaintenance sends ha-maintenance-notify; MaintenanceDone must follow.
type SendMaintenance struct {
	Relationship int
	Cancel       bool
	State        State // our state now, or on Cancel the one we are about to enter
}

// Answer answers the command that came with Token. State is in the arguments
// unless Unknown.
type Answer struct {
	Token  uint64
	Result int
	Text   string
	State  State
}

// Transition is to be logged: an operator reads here why it happened.
type Transition struct {
	Relationship int
	From, To     State
	Partner      State
	Reason       string
	Paused       bool
}

// Warning is to be logged.
type Warning struct {
	Relationship int
	Text         string
}

func (SetScope) effect()        {}
func (Mark) effect()            {}
func (SetPolicy) effect()       {}
func (SendHeartbeat) effect()   {}
func (StartSync) effect()       {}
func (StopSync) effect()        {}
func (SendBacklog) effect()     {}
func (SendReset) effect()       {}
func (SendMaintenance) effect() {}
func (Answer) effect()          {}
func (Transition) effect()      {}
func (Warning) effect()         {}
