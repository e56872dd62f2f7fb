package ha

import (
	"slices"
	"time"

	"needletail/internal/control"
)

// everyone marks an origin that silences all relationships.
const everyone = -1

// Service says for each relationship whether DHCP is served: it is while no
// origin has it disabled. Kea has one service for all relationships, so that a
// branch's sync silences the whole hub, two branches lift each other's lock,
// and a relationship's state switches the others' clients. Ours keeps origins
// apart by the relationship they came through; only the user, and commands over
// a socket shared by all, reach everybody.
type Service struct {
	off map[origin]time.Time // when it ends by itself; zero: never
}

type origin struct {
	id control.Origin
	by int // relationship, or everyone
}

// disable adds an origin. A period replaces its timer; without one an older
// timer goes on (Kea: network_state.cc).
func (s *Service) disable(o origin, period time.Duration, now time.Time) {
	if s.off == nil {
		s.off = map[origin]time.Time{}
	}
	if period > 0 {
		s.off[o] = now.Add(period)
	} else if _, have := s.off[o]; !have {
		s.off[o] = time.Time{}
	}
}

// enable removes an origin, its timer too. Coming over a shared socket it
// removes the origin wherever it came from: an operator has no other name for it.
func (s *Service) enable(o origin) {
	if o.by != everyone {
		s.release(o)
		return
	}
	for k := range s.off {
		if k.id == o.id {
			delete(s.off, k)
		}
	}
}

// release removes exactly this origin.
func (s *Service) release(o origin) { delete(s.off, o) }

// enabled reports whether relationship i may serve.
func (s *Service) enabled(i int) bool {
	for o := range s.off {
		if o.by == everyone || o.by == i {
			return false
		}
	}
	return true
}

// expire removes what has ended by now and returns when the next one ends.
func (s *Service) expire(now time.Time) (changed bool, next time.Time) {
	for o, at := range s.off {
		switch {
		case at.IsZero():
		case !now.Before(at):
			delete(s.off, o)
			changed = true
		default:
			next = sooner(next, at)
		}
	}
	return changed, next
}

// lasting returns the origins that outlive the relationships: the user's and
// the database's. Those of HA begin anew with them (Kea since 2.7.1).
func (s *Service) lasting(now time.Time) (all []control.Held) {
	s.expire(now)
	for o, at := range s.off {
		h := control.Held{Origin: o.id}
		if !at.IsZero() {
			h.Left = at.Sub(now)
		}
		if !h.Origin.HA() {
			all = append(all, h)
		}
	}
	return all
}

// Origins returns the disabling origins, sorted, each once: what status-get
// shows as dhcp-state.
func (s *Service) Origins() (all []control.Origin) {
	for o := range s.off {
		all = append(all, o.id)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sooner returns the earlier of two moments, of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
