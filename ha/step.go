package ha

import (
	"time"

	"needletail/internal/scope"
)

// Machine is the state of all HA relationships of one server and of the DHCP
// service they share. It is a pure step function: no I/O, no clock, no
// goroutine. One goroutine owns it; what Backlog and Unsent return may be used
// by any.
type Machine struct {
	rels    []*relationship
	service Service
	wake    time.Time // as last asked for

	// Of the step in progress: scopes and policies come first, answers to
	// commands last, so that nobody is told what is not yet so.
	first, then, answers []Effect
}

// New starts the machines of all relationships in state waiting.
func New(all []Settings, now time.Time) (*Machine, Output) {
	m := &Machine{}
	for i, s := range all {
		m.rels = append(m.rels, &relationship{Settings: s, i: i, m: m})
	}
	for _, r := range m.rels {
		r.start(now)
	}
	return m, m.output(now)
}

// Step tells relationship i what happened and returns what to do. It performs
// no I/O and reads no clock; now never goes back.
func (m *Machine) Step(now time.Time, i int, in Input) Output {
	m.expire(now)
	m.late(now)
	for _, r := range m.rels {
		r.tick(now)
	}
	m.rels[i].take(now, in)
	return m.output(now)
}

// late sees to it that a server which was itself stopped (SIGSTOP, a suspended
// guest, a starved host) does not take its own absence for the partner's: the
// time by which a step comes too late is not silence, and one more heartbeat
// must have had its chance before communication is interrupted. If the partner can
// have taken over meanwhile, whatever failed says nothing: only a heartbeat that
// is asked from now on tells whether the partner lives. Without
// heartbeats (heartbeat-delay 0) none will come, and there is nothing to wait for.
func (m *Machine) late(now time.Time) {
	if m.wake.IsZero() || !now.After(m.wake) {
		return
	}
	by := now.Sub(m.wake)
	for _, r := range m.rels {
		if r.Heart == 0 || by <= r.Heart {
			continue
		}
		if after := r.Absence(); after > 0 && by >= after {
			r.heart.wanted, r.heart.old = true, r.heart.flying
		}
		contact := r.partner.contact.Add(by)
		if chance := now.Add(r.Heart + r.heartTimeout() - r.Response); chance.Before(now) && contact.Before(chance) {
			contact = chance
		}
		r.partner.contact = contact
	}
}

// expire lets the timers of the service run out.
func (m *Machine) expire(now time.Time) { m.service.expire(now) }

// output publishes the scopes and collects the effects of the step.
func (m *Machine) output(now time.Time) Output {
	_, wake := m.service.expire(now)
	for _, r := range m.rels {
		r.publish(now)
		wake = sooner(wake, r.wake())
	}
	m.wake = wake
	effects := append(append(m.first, m.then...), m.answers...)
	m.first, m.then, m.answers = nil, nil, nil
	return Output{Effects: effects, Wake: wake}
}

// take dispatches one input. Tick needs nothing: every step ticks.
func (r *relationship) take(now time.Time, in Input) {
	switch in := in.(type) {
	case Tick:
	case HeartbeatDone:
		r.heartbeatDone(now, in)
	case UpdatesDone:
		r.updatesDone(now, in)
	case Counted:
		r.countedNow(now, in)
	case SyncDone:
		r.syncDone(now, in)
	case BacklogDone:
		r.backlogDone(now, in)
	case ResetDone:
		r.resetDone(now, in)
	case ReadFromStart:
		r.whole = r.reading
	case StreamOpened:
		r.streamOpened(now)
	case StreamClosed:
		r.feeding = false
	default:
		r.command(now, in)
	}
}

// Backlog returns relationship i's backlog.
func (m *Machine) Backlog(i int) *Backlog { return &m.rels[i].backlog }

// Unsent returns relationship i's counter of unsent updates.
func (m *Machine) Unsent(i int) *Unsent { return &m.rels[i].unsent }

// Service returns the shared service, for reading.
func (m *Machine) Service() *Service { return &m.service }

// Status is what status-get and a heartbeat answer tell of a relationship.
type Status struct {
	State    State
	Role     Role
	Mode     Mode
	Paused   bool
	Scopes   []string // served, sorted server names
	Serving  bool     // the DHCP service is on for this relationship
	Rejected int      // clients whose updates conflicted

	Partner     State
	InTouch     bool          // a partner state is known, unavailable included (as Kea)
	Age         time.Duration // since the last contact; 0 if not in touch
	LastScopes  []string      // the partner's at the last good heartbeat
	Interrupted bool
	Counted     scope.Unacked
	UnackedLeft uint32    // unacked clients missing to a failure
	HasSkew     bool      // the next three are known
	Skew        int       // partner's clock minus ours, s
	LocalTime   time.Time // our clock when the skew was computed
	PartnerTime time.Time // the partner's clock then
}

// Status describes relationship i (Kea: ha_service.cc, processStatusGet).
func (m *Machine) Status(i int, now time.Time) Status {
	r := m.rels[i]
	c := &r.partner
	s := Status{
		State: r.state, Role: r.Role(), Mode: r.Mode, Paused: r.paused,
		Scopes: sorted(r.served), Serving: m.service.enabled(i), Rejected: len(c.rejected),
		Partner: c.state, InTouch: c.state != Unknown, LastScopes: c.scopes,
		Interrupted: r.interrupted(now), Counted: c.counted.Unacked,
		HasSkew: c.hasSkew, Skew: int(c.skew / time.Second), LocalTime: c.skewAt, PartnerTime: c.partnerAt,
	}
	if s.InTouch {
		s.Age = now.Sub(c.contact)
	}
	if s.Interrupted && r.UnackedMax >= s.Counted.Unacked {
		s.UnackedLeft = r.UnackedMax - s.Counted.Unacked + 1
	}
	return s
}
