package ha

import (
	"testing"
	"time"

	"needletail/internal/scope"
)

// How long a server may stand still: less than its partner waits, counted from
// the last heartbeat before.
func TestAbsence(t *testing.T) {
	for _, c := range []struct {
		name         string
		partner      string
		heart, waits time.Duration
		want         time.Duration
	}{
		{"nobody takes over", "", 10 * time.Second, time.Minute, 0},
		{"Kea's defaults", "b", 10 * time.Second, time.Minute, 30 * time.Second},
		{"the fastest", "b", 100 * time.Millisecond, 300 * time.Millisecond, 150 * time.Millisecond},
		{"rare heartbeats", "b", 9 * time.Second, 10 * time.Second, time.Second},
		{"a delay above the wait", "b", time.Minute, 10 * time.Second, absenceMin},
	} {
		s := Settings{Partner: c.partner, Heart: c.heart, Response: c.waits}
		if got := s.Absence(); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestShortestAbsence(t *testing.T) {
	for _, c := range [][3]time.Duration{{0, 0, 0}, {0, 5, 5}, {5, 0, 5}, {5, 7, 5}, {7, 5, 5}} {
		if got := shortest(c[0], c[1]); got != c[2] {
			t.Errorf("shortest(%d, %d) is %d", c[0], c[1], got)
		}
	}
}

// What failed while a server stood still does not make it go its own way: its
// partner may have taken over. A heartbeat asked since does.
func TestStandstillFailsNobody(t *testing.T) {
	settings := pair(ModeLoadBalancing)[0]
	s := newStage(t, settings, LoadBalancing, LoadBalancing)
	s.wait(settings.Heart) // a heartbeat is on its way
	s.now = s.now.Add(settings.Response + settings.Absence())
	s.step(UpdatesDone{Err: "timeout"}).in(LoadBalancing, "an update failed meanwhile")
	s.miss().in(LoadBalancing, "so did the heartbeat")
	s.wait(settings.Heart).miss().in(CommunicationRecovery, "and the next one")
}

// Nor while communication was interrupted before, and nothing but a heartbeat's end
// was awaited: what clients sent meanwhile counts against nobody.
func TestStandstillDuringTheLastHeartbeat(t *testing.T) {
	settings := pair(ModeLoadBalancing)[0]
	settings.UnackedMax = 10
	s := newStage(t, settings, LoadBalancing, LoadBalancing)
	for range 1 + settings.Response/settings.Heart {
		s.wait(settings.Heart).miss()
	}
	s.in(CommunicationRecovery, "the partner is silent").wait(settings.Heart) // a heartbeat is on its way
	s.now = s.now.Add(settings.Response + settings.Absence())
	unanswered := Counted{Unacked: scope.Unacked{Connecting: 30, Unacked: 11}}
	s.step(unanswered).in(CommunicationRecovery, "clients were not answered meanwhile")
	s.miss().in(CommunicationRecovery, "and the heartbeat failed")
	for range 3 {
		s.wait(settings.Heart).miss()
	}
	s.step(unanswered).in(PartnerDown, "so did those that were asked since")
}

// Who stood still before its first sync does not begin it by an answer from before:
// the partner may serve alone since, and its clock is not to be told from such an
// answer, which leaves open when it was written.
func TestStandstillBeforeTheSync(t *testing.T) {
	settings := pair(ModeLoadBalancing)[0]
	s := newStage(t, settings, Waiting, Unavailable)
	s.wait(settings.Heart) // a heartbeat is on its way
	s.now = s.now.Add(settings.Response + settings.Absence())
	s.beat(LoadBalancing).in(Waiting, "the answer is old")
	if s.wait(afterSyncNotify); !has[SendHeartbeat](s.out) {
		t.Error("no heartbeat soon after an old one")
	}
	s.beat(PartnerDown).in(Syncing, "the answer is new")
}
