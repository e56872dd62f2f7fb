package ha

import (
	"testing"
	"time"

	"needletail/internal/control"
)

// stage is one relationship under test, with a clock.
type stage struct {
	*testing.T
	m   *Machine
	r   *relationship
	now time.Time
	out []Effect
}

func newStage(t *testing.T, s Settings, own, partner State) *stage {
	r, now := place(s, own, partner, time.Second)
	return &stage{T: t, m: r.m, r: r, now: now}
}

func (s *stage) step(in Input) *stage {
	s.out = s.m.Step(s.now, 0, in).Effects
	for _, e := range s.out { // an operator can read why of every change
		if tr, ok := e.(Transition); ok && (tr.Reason == "" || tr.From == tr.To) {
			s.Errorf("%+v", tr)
		}
	}
	return s
}

// wait lets time pass, with a tick at every wake-up. All its effects are kept.
func (s *stage) wait(d time.Duration) *stage {
	end := s.now.Add(d)
	var all []Effect
	for {
		wake := s.m.output(s.now).Wake
		if wake.IsZero() || wake.After(end) {
			break
		}
		if wake.After(s.now) {
			s.now = wake
		}
		all = append(all, s.step(Tick{}).out...)
	}
	s.now = end
	s.out = append(all, s.step(Tick{}).out...)
	return s
}

// beat is a heartbeat that finds the partner in a state.
func (s *stage) beat(partner State) *stage {
	return s.step(HeartbeatDone{State: partner, Time: s.now})
}

// read is the beginning of a Kea's sync from us.
func (s *stage) read() *stage {
	return s.step(ServiceOff{Token: 1, Origin: control.OriginHARemote, Period: time.Minute}).step(ReadFromStart{})
}

func (s *stage) miss() *stage { return s.step(HeartbeatDone{Err: "connection refused"}) }

func (s *stage) in(want State, when string) *stage {
	s.Helper()
	if s.r.state != want {
		s.Errorf("%s: %s, want %s", when, s.r.state, want)
	}
	return s
}

func (s *stage) result(want int, when string) *stage {
	s.Helper()
	a, ok := effect[Answer](s.out)
	if !ok || a.Result != want {
		s.Errorf("%s: answer %+v (%v), want result %d", when, a, ok, want)
	}
	return s
}

func (s *stage) serves(buckets int, on bool, when string) *stage {
	s.Helper()
	if got := s.r.scope; got.Serve.Count() != buckets || got.Enabled != on {
		s.Errorf("%s: serves %d buckets, service %v; want %d, %v", when, got.Serve.Count(), got.Enabled, buckets, on)
	}
	return s
}

// effect finds the first effect of a type.
func effect[E Effect](out []Effect) (E, bool) {
	for _, e := range out {
		if e, ok := e.(E); ok {
			return e, true
		}
	}
	var none E
	return none, false
}

func has[E Effect](out []Effect) bool {
	_, ok := effect[E](out)
	return ok
}
