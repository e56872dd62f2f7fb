package slowpath

import (
	"slices"
	"testing"
	"time"

	"needletail/internal/frame"
)

// hands is a clock that a test moves.
type hands struct{ now time.Time }

func (h *hands) Now() time.Time { return h.now }

// turns runs the pump's loop until the port is empty, d after the turn before.
func (r *rig) turns(clock *hands, d time.Duration) {
	r.t.Helper()
	clock.now = clock.now.Add(d)
	r.port.Wake() // or Receive waits
	if err := r.pump.turn(); err != nil {
		r.t.Fatal(err)
	}
	for len(r.port.arrived) > 0 || r.pump.canServe() {
		if err := r.pump.turn(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// What waited while the pump did not run is counted and dropped where a partner
// may have settled it meanwhile: not DISCOVERs and INFORMs, which change no lease.
// What comes next is not.
func TestPumpDropsWhatWaitedInItsAbsence(t *testing.T) {
	const limit = 10 * time.Second
	for _, c := range []struct {
		name    string
		partner time.Duration // TakenOverAfter
		away    time.Duration
		handled []uint32
	}{
		{"stopped", limit, limit + 1, []uint32{3, 4}},
		{"not for long", limit, limit, []uint32{1, 2, 3, 4}},
		{"nobody takes over", 0, time.Hour, []uint32{1, 2, 3, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := &hands{time.Unix(1e9, 0)}
			r := newRig(t, PumpOptions{Clock: clock}, &holdingPeers{none: true, absence: c.partner})
			r.turns(clock, 0)
			r.port.arrive(ask(kindRequest, 1), ask(kindRelease, 2), ask(kindDiscover, 3), ask(kindInform, 4))
			r.turns(clock, c.away)
			if got := r.hand.order(); !slices.Equal(got, c.handled) {
				t.Errorf("handled %v, want %v", got, c.handled)
			}
			dropped := 4 - len(c.handled)
			if n := r.hand.counted(SilenceServerStopped); n != dropped || r.pump.Stats().ShedMissed != uint64(dropped) {
				t.Errorf("counted %d, and %+v", n, r.pump.Stats())
			}
			r.port.arrive(ask(kindRelease, 5))
			r.turns(clock, time.Second)
			if got := r.hand.order(); got[len(got)-1] != 5 {
				t.Errorf("handled %v, and not the one that came afterwards", got)
			}
			if r.port.out != 0 {
				t.Errorf("%d queries were not given back", r.port.out)
			}
		})
	}
}

// What waited is more than one turn takes from the port, and some of it had been
// taken before the pump was stopped.
func TestPumpDropsAllThatWaited(t *testing.T) {
	const waiting = 3 * receiveMax
	clock := &hands{time.Unix(1e9, 0)}
	r := newRig(t, PumpOptions{Clock: clock}, &holdingPeers{none: true, absence: time.Second})
	r.turns(clock, 0)
	taken := frame.Query{Message: ask(kindRelease, 1)}
	r.port.out++
	r.pump.admit(&taken)
	for xid := range uint32(waiting) {
		r.port.arrive(ask(kindRelease, xid))
	}
	r.turns(clock, time.Minute)
	if n := r.hand.counted(SilenceServerStopped); n != waiting+1 || len(r.hand.order()) > 0 {
		t.Errorf("%d of %d dropped, %d handled", n, waiting+1, len(r.hand.order()))
	}
}

// The wait of an idle pump is no absence, however short one may be.
func TestIdleIsNoAbsence(t *testing.T) {
	for _, limit := range []time.Duration{0, 100 * time.Millisecond, time.Second, time.Minute} {
		wait := absence{}.idle(limit)
		if wait <= 0 || wait > idleWait || limit > 0 && wait > limit/2 {
			t.Errorf("limit %v: waits %v", limit, wait)
		}
	}
}
