package ha

import (
	"fmt"
	"time"

	"needletail/internal/config"
)

// Settings is what the machine of one relationship needs of its
// configuration. It is never changed after New.
type Settings struct {
	Index    int
	Mode     Mode
	This     string
	Peers    []Peer // any order; This among them
	Partner  string // name of the active partner, "" for a backup and in passive-backup
	Heart    time.Duration
	Response time.Duration // communication older than this is interrupted
	Ack      time.Duration // secs above this make an unacked client

	UnackedMax  uint32 // 0: no client analysis
	RejectedMax uint32 // clients; 0: never terminate for rejected updates
	DelayedMax  uint32 // updates; 0: no communication-recovery
	SendUpdates bool
	SyncLeases  bool
	WaitBackup  bool
	Pauses      map[State]Pause
	Weights     [2]int // shares of primary and secondary; both 0: halves as Kea deals them
	Deaf        Deaf
	Alone       bool   // the last Mark of this server's former life was Alone
	Read        uint64 // and had this number
}

// Peer is one server of the relationship as the machine sees it.
type Peer struct {
	Name         string
	Role         Role
	AutoFailover bool
}

// newSettings takes the machine's part out of a checked configuration. What it
// refuses has slipped through the checks of internal/config or is ours alone
// (the split).
func newSettings(r *config.Relationship, n *config.Needletail) (Settings, error) {
	s := Settings{
		Index:       r.Index,
		This:        r.ThisServer,
		Heart:       r.HeartbeatDelay,
		Response:    r.MaxResponseDelay,
		Ack:         r.MaxAckDelay,
		UnackedMax:  r.MaxUnackedClients,
		RejectedMax: r.MaxRejectedLeaseUpdates,
		DelayedMax:  r.DelayedUpdatesLimit,
		SendUpdates: r.SendLeaseUpdates,
		SyncLeases:  r.SyncLeases,
		WaitBackup:  r.WaitBackupAck,
		Pauses:      map[State]Pause{},
	}
	mode, ok := word(modeNames[:], r.Mode)
	if !ok {
		return s, fmt.Errorf("relationship %d: mode %q is none of load-balancing, hot-standby, passive-backup", r.Index, r.Mode)
	}
	s.Mode = Mode(mode)
	deaf, ok := word(deafNames[:], n.DeafPartner)
	if !ok && n.DeafPartner != "" {
		return s, fmt.Errorf("user-context.needletail.deaf-partner: %q is none of off, warn, take-over", n.DeafPartner)
	}
	s.Deaf = Deaf(deaf)
	for name, how := range r.Pauses {
		st, known := parseState(name)
		pause, ok := word(pauseNames[:], how)
		if !ok || !known {
			return s, fmt.Errorf("relationship %d: state-machine: cannot pause %q in state %q", r.Index, how, name)
		}
		s.Pauses[st] = Pause(pause)
	}
	if err := s.peers(r); err != nil {
		return s, err
	}
	return s, s.split(n.Split)
}

func (s *Settings) peers(r *config.Relationship) error {
	for _, p := range r.Peers {
		role, ok := word(roleNames[:], p.Role)
		if !ok {
			return fmt.Errorf("relationship %d: peer %s: role %q is none of primary, secondary, standby, backup", r.Index, p.Name, p.Role)
		}
		s.Peers = append(s.Peers, Peer{Name: p.Name, Role: Role(role), AutoFailover: p.AutoFailover})
	}
	self := r.Self()
	if self == nil {
		return fmt.Errorf("relationship %d: this-server-name %q is not among the peers", r.Index, r.ThisServer)
	}
	if s.Role() != RoleBackup && s.Mode != ModePassiveBackup {
		for _, p := range s.Peers {
			if p.Role != RoleBackup && p.Name != s.This {
				s.Partner = p.Name
			}
		}
	}
	return nil
}

// split takes the weights of the two active servers. A split that names
// neither of them belongs to another relationship.
func (s *Settings) split(weights map[string]int) error {
	active := s.active()
	named := 0
	for i, p := range active {
		w, ok := weights[p.Name]
		if !ok {
			continue
		}
		if w < 0 {
			return fmt.Errorf("user-context.needletail.split: weight %d of %s is negative", w, p.Name)
		}
		if i < 2 {
			s.Weights[i] = w
		}
		named++
	}
	switch {
	case named == 0:
		return nil
	case s.Mode != ModeLoadBalancing:
		return fmt.Errorf("user-context.needletail.split: relationship %d is %s; only load-balancing shares clients", s.Index, s.Mode)
	case named < len(active):
		return fmt.Errorf("user-context.needletail.split: name both %s and %s", active[0].Name, active[1].Name)
	case s.Weights[0]+s.Weights[1] == 0:
		return fmt.Errorf("user-context.needletail.split: the weights of %s and %s are both 0", active[0].Name, active[1].Name)
	}
	return nil
}

// active returns the servers that serve clients: the primary, then the
// secondary or standby if there is one.
func (s *Settings) active() []Peer {
	var out []Peer
	for _, role := range []Role{RolePrimary, RoleSecondary, RoleStandby} {
		for _, p := range s.Peers {
			if p.Role == role {
				out = append(out, p)
			}
		}
	}
	return out
}

// Role is this server's own role.
func (s *Settings) Role() Role { return s.self().Role }

func (s *Settings) self() Peer {
	for _, p := range s.Peers {
		if p.Name == s.This {
			return p
		}
	}
	panic("ha: settings without this server") // newSettings refuses them
}

// normal is the state of undisturbed operation in this mode.
func (s *Settings) normal() State {
	switch s.Mode {
	case ModeLoadBalancing:
		return LoadBalancing
	case ModeHotStandby:
		return HotStandby
	default:
		return PassiveBackup
	}
}
