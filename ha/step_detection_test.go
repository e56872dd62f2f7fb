package ha

import (
	"testing"
	"time"

	"needletail/internal/scope"
)

// Heartbeats stop during a sync, so contact is as old as the sync when it fails:
// that silence is not the partner's. Only a heartbeat that fails too tells that
// it is down.
func TestFailedSyncIsNotSilence(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], Waiting, Unknown)
	s.beat(PartnerDown).in(Syncing, "start")
	s.wait(s.r.Response + time.Hour).step(Counted{})
	s.step(SyncDone{ID: s.r.job.syncID, Err: "page: connection reset"}).step(Counted{})
	s.in(Syncing, "no heartbeat was asked since the sync began").wait(s.r.Heart)
	if !has[SendHeartbeat](s.out) {
		t.Error("no heartbeat follows")
	}
	if s.step(Counted{}).in(Syncing, "a heartbeat is on its way").beat(PartnerDown); !has[StartSync](s.out) {
		t.Error("the partner lives and no new sync begins")
	}
	s.wait(time.Hour).step(SyncDone{ID: s.r.job.syncID, Err: "again"}).wait(s.r.Heart).miss()
	s.in(PartnerDown, "a failed sync and a failed heartbeat")
}

// The filters count while communication is interrupted, from that very moment
// on, and forget with the next contact.
func TestInterruption(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], LoadBalancing, LoadBalancing)
	s.beat(LoadBalancing)
	epoch := s.r.scope.Epoch
	s.wait(time.Minute)
	if s.r.scope.Interrupted {
		t.Error("interrupted after max-response-delay; it must be exceeded")
	}
	s.wait(time.Nanosecond)
	if !s.r.scope.Interrupted || s.r.scope.Epoch == epoch {
		t.Error("not counting beyond max-response-delay")
	}
	s.miss().in(CommunicationRecovery, "lost")
	s.step(Counted{Unacked: scope.Unacked{Connecting: 30, Unacked: 10}}).in(CommunicationRecovery, "ten are not more than ten")
	if st := s.m.Status(0, s.now); st.UnackedLeft != 1 || !st.Interrupted {
		t.Errorf("%+v", st)
	}
	s.step(Counted{Unacked: scope.Unacked{Connecting: 30, Unacked: 11}}).in(PartnerDown, "eleven")
	s.beat(Waiting)
	if s.r.scope.Interrupted || s.m.Status(0, s.now).Counted.Unacked != 0 {
		t.Error("a contact forgets the clients")
	}
}

// With max-unacked-clients 0 partner-down comes when max-response-delay is
// over, not with a later heartbeat: no timer adds to it.
func TestFastDetection(t *testing.T) {
	set := pair(ModeLoadBalancing)[0]
	set.Heart, set.Response, set.UnackedMax = 100*time.Millisecond, 300*time.Millisecond, 0
	s := newStage(t, set, LoadBalancing, LoadBalancing)
	s.beat(LoadBalancing)
	start := s.now
	for s.r.state != PartnerDown && s.now.Sub(start) < time.Second {
		s.wait(time.Millisecond)
		if e, ok := effect[SendHeartbeat](s.out); ok {
			if e.Timeout > 100*time.Millisecond {
				t.Errorf("heartbeat waits %s", e.Timeout)
			}
			s.miss()
		}
	}
	if took := s.now.Sub(start); took > 302*time.Millisecond {
		t.Errorf("partner-down after %s", took)
	}
}

// A start is no failover: however short max-response-delay is, a server that
// serves nobody yet waits for a partner that is slow to answer.
func TestStartIsPatient(t *testing.T) {
	set := pair(ModeLoadBalancing)[0]
	set.Heart, set.Response, set.UnackedMax = 100*time.Millisecond, 300*time.Millisecond, 0
	for _, own := range []State{Waiting, Ready} {
		s := newStage(t, set, own, Unavailable)
		start := s.now
		for s.r.state == own && s.now.Sub(start) < 10*time.Second {
			if s.wait(10 * time.Millisecond); has[SendHeartbeat](s.out) {
				s.miss()
			}
		}
		if took := s.now.Sub(s.r.partner.contact); s.r.state != PartnerDown || took <= startPatience || took > startPatience+2*set.Heart {
			t.Errorf("%s: %s after %s, want partner-down after %s", own, s.r.state, took, startPatience)
		}
	}
}

// A server that was stopped does not take that time for the partner's silence.
func TestOwnAbsence(t *testing.T) {
	s := newStage(t, pair(ModeHotStandby)[0], Ready, Unavailable)
	s.wait(10 * time.Second)
	s.now = s.now.Add(time.Hour)
	s.step(Tick{}).in(Ready, "after an hour away")
	s.miss().in(Ready, "after an hour away")
}

// Without heartbeats every wake-up is a little late, and nothing hides that the
// partner has not been heard of for max-response-delay.
func TestNoHeartbeats(t *testing.T) {
	set := pair(ModeLoadBalancing)[0]
	set.Heart = 0
	s := newStage(t, set, LoadBalancing, LoadBalancing)
	s.step(UpdatesDone{Err: "refused"})
	for range 100 {
		if wake := s.m.output(s.now).Wake; !wake.IsZero() {
			s.now = wake.Add(time.Millisecond)
		}
		s.step(Tick{})
	}
	if !s.r.interrupted(s.now) {
		t.Errorf("not interrupted %s after the last contact", s.now.Sub(s.r.partner.contact))
	}
	if has[SendHeartbeat](s.out) {
		t.Error("a heartbeat")
	}
}
