package ha

// State is a state of a relationship's machine, our own or the partner's. The
// names are those on Kea's wire (Kea: ha_config.cc, stateToString).
type State uint8

// The twelve states, what a partner can be besides, and nothing known yet.
const (
	Unknown State = iota // no heartbeat has completed yet
	Backup
	CommunicationRecovery
	HotStandby
	InMaintenance
	LoadBalancing
	PartnerDown
	PartnerInMaintenance
	PassiveBackup
	Ready
	Syncing
	Terminated
	Waiting
	Unavailable // a partner that did not answer
	statesEnd
)

var stateNames = [statesEnd]string{
	Unknown:               "",
	Backup:                "backup",
	CommunicationRecovery: "communication-recovery",
	HotStandby:            "hot-standby",
	InMaintenance:         "in-maintenance",
	LoadBalancing:         "load-balancing",
	PartnerDown:           "partner-down",
	PartnerInMaintenance:  "partner-in-maintenance",
	PassiveBackup:         "passive-backup",
	Ready:                 "ready",
	Syncing:               "syncing",
	Terminated:            "terminated",
	Waiting:               "waiting",
	Unavailable:           "unavailable",
}

// String returns the name on the wire; Unknown is the empty string, as
// status-get shows it.
func (s State) String() string {
	if s >= statesEnd {
		return "invalid"
	}
	return stateNames[s]
}

// parseState finds a state by its name on the wire. A heartbeat with any other
// name has failed (Kea: communication_state.cc, setPartnerState).
func parseState(name string) (State, bool) {
	for s := Backup; s < statesEnd; s++ {
		if stateNames[s] == name {
			return s, true
		}
	}
	return Unknown, false
}

// Mode of a relationship (Kea: ha_config.h, HAMode).
type Mode uint8

// Modes.
const (
	ModeLoadBalancing Mode = iota
	ModeHotStandby
	ModePassiveBackup
)

var modeNames = [...]string{"load-balancing", "hot-standby", "passive-backup"}

func (m Mode) String() string { return modeNames[m] }

// Role of a server in a relationship (Kea: ha_config.h, PeerConfig::Role).
type Role uint8

// Roles.
const (
	RolePrimary Role = iota
	RoleSecondary
	RoleStandby
	RoleBackup
)

var roleNames = [...]string{"primary", "secondary", "standby", "backup"}

func (r Role) String() string { return roleNames[r] }

// Pause tells whether the machine pauses when it enters a state.
type Pause uint8

// Pauses.
const (
	PauseNever Pause = iota
	PauseAlways
	PauseOnce // the first time in the life of this machine
)

var pauseNames = [...]string{"never", "always", "once"}

func (p Pause) String() string { return pauseNames[p] }

// Deaf tells what to do about a partner that answers heartbeats but not its
// clients. Kea has nothing like it.
type Deaf uint8

// What to do about a deaf partner.
const (
	DeafOff Deaf = iota
	DeafWarn
	DeafTakeOver
)

var deafNames = [...]string{"off", "warn", "take-over"}

func (d Deaf) String() string { return deafNames[d] }

// word returns the index of name among names.
func word(names []string, name string) (int, bool) {
	for i, n := range names {
		if n == name {
			return i, true
		}
	}
	return 0, false
}
