package ha

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"needletail/internal/scope"
	"needletail/leases"
)

// skewed is a heartbeat by a partner whose clock differs.
func (s *stage) skewed(by time.Duration) *stage {
	return s.step(HeartbeatDone{State: LoadBalancing, Time: s.now.Add(by)})
}

// Clock skew: Kea: communication_state.cc, clockSkewShouldTerminate and
// clockSkewShouldWarn. 60 s is borne, 61 is not; one warning a minute.
func TestClockSkew(t *testing.T) {
	for by, want := range map[time.Duration]State{60 * time.Second: LoadBalancing, 61 * time.Second: Terminated, -60 * time.Second: LoadBalancing, -61 * time.Second: Terminated} {
		newStage(t, pair(ModeLoadBalancing)[0], LoadBalancing, LoadBalancing).skewed(by).in(want, by.String())
	}
	s := newStage(t, pair(ModeLoadBalancing)[0], LoadBalancing, LoadBalancing)
	if has[Warning](s.skewed(30 * time.Second).out) {
		t.Error("warned of 30 s")
	}
	if !has[Warning](s.skewed(31 * time.Second).out) {
		t.Error("no warning of 31 s")
	}
	if s.now = s.now.Add(59 * time.Second); has[Warning](s.skewed(31 * time.Second).out) {
		t.Error("warned twice in a minute")
	}
	if s.now = s.now.Add(time.Second); !has[Warning](s.skewed(31 * time.Second).out) {
		t.Error("no second warning after a minute")
	}
	if s.miss(); s.m.Status(0, s.now).HasSkew || skewOf(s.m) != 31*time.Second {
		t.Error("a failure forgets the skew, except for translating times")
	}
}

// Contact and skew are of the moment when the answer came, not of the step that
// hears of it (Kea: communication_state.cc, setPartnerTime).
func TestHeartbeatHeardLate(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], LoadBalancing, LoadBalancing)
	at := s.now
	s.wait(20 * time.Second)
	s.step(HeartbeatDone{State: LoadBalancing, Time: at.Add(-50 * time.Second), At: at}).in(LoadBalancing, "50 s apart")
	if st := s.m.Status(0, s.now); st.Skew != -50 || st.Age != 20*time.Second || !st.LocalTime.Equal(at) {
		t.Errorf("%+v", st)
	}
	s.beat(LoadBalancing).step(HeartbeatDone{State: LoadBalancing, Time: at, At: at})
	if age := s.m.Status(0, s.now).Age; age != 0 {
		t.Errorf("an older answer makes the contact %s old", age)
	}
}

// The answer to a heartbeat may be as old as the question: a server that was stopped
// meanwhile does not take its own absence for a partner's clock that is behind.
func TestSkewOfASleeper(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], LoadBalancing, LoadBalancing).skewed(5 * time.Second)
	asked := s.now
	told := asked.Add(5 * time.Second)
	s.now = asked.Add(2 * time.Minute)
	s.step(HeartbeatDone{State: LoadBalancing, Time: told, Began: asked}).in(LoadBalancing, "an answer of two minutes ago")
	if got := skewOf(s.m); got != 5*time.Second {
		t.Errorf("the partner is taken for %s ahead", got)
	}
	s.step(HeartbeatDone{State: LoadBalancing, Time: s.now.Add(-30 * time.Second), Began: s.now})
	if got := skewOf(s.m); got != -30*time.Second {
		t.Errorf("a quick answer is not believed: %s", got)
	}
}

// The states in which the terminate check is made: Kea: ha_service.cc,
// shouldTerminate and its callers.
func TestWhereSkewTerminates(t *testing.T) {
	checked := map[State]bool{Waiting: true, Syncing: true, Ready: true, LoadBalancing: true, CommunicationRecovery: true, PartnerDown: true, PartnerInMaintenance: true}
	for own := Backup; own < Unavailable; own++ {
		if own == HotStandby || own == Terminated {
			continue
		}
		s := newStage(t, pair(ModeLoadBalancing)[0], own, Unknown)
		s.step(HeartbeatDone{State: Syncing, Time: s.now.Add(2 * time.Minute)})
		if got := s.r.state == Terminated; got != checked[own] {
			t.Errorf("%s: terminates %v", own, got)
		}
	}
}

func rejectedClient(i int) []ClientKey { return []ClientKey{{HW: fmt.Sprint("hw", i)}} }

// Rejected clients: Kea: communication_state.cc, reportRejectedLeaseUpdate and
// others. Distinct clients count, for a day or until an update succeeds.
func TestRejectedClients(t *testing.T) {
	set := pair(ModeLoadBalancing)[0]
	set.RejectedMax = 3
	s := newStage(t, set, LoadBalancing, LoadBalancing)
	for range 5 {
		s.step(UpdatesDone{Rejected: rejectedClient(1)})
	}
	s.step(UpdatesDone{Rejected: rejectedClient(2)}).in(LoadBalancing, "two clients")
	s.step(UpdatesDone{Accepted: rejectedClient(1)}).step(UpdatesDone{Rejected: rejectedClient(3)}).in(LoadBalancing, "one was accepted")
	s.now = s.now.Add(24 * time.Hour)
	s.step(UpdatesDone{Rejected: rejectedClient(4)}).in(LoadBalancing, "two were long ago")
	s.step(UpdatesDone{Rejected: rejectedClient(5)}).in(LoadBalancing, "two again")
	s.step(UpdatesDone{Rejected: rejectedClient(6)}).in(Terminated, "three")
	if n := s.m.Status(0, s.now).Rejected; n != 0 {
		t.Errorf("terminated forgets the clients; %d left", n)
	}
	set.RejectedMax = 0
	s = newStage(t, set, LoadBalancing, LoadBalancing)
	for i := range 50 {
		s.step(UpdatesDone{Rejected: rejectedClient(i)})
	}
	if s.in(LoadBalancing, "no limit"); s.m.Status(0, s.now).Rejected != 0 {
		t.Error("clients are kept that nobody looks at")
	}
}

// A conflict leaves the partner available, a failure does not, and one failure
// is enough for communication-recovery (Kea: ha_service.cc, asyncSendLeaseUpdate).
func TestUpdateResults(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], LoadBalancing, LoadBalancing)
	s.step(UpdatesDone{Rejected: rejectedClient(1)}).in(LoadBalancing, "conflict")
	if s.r.partner.state != LoadBalancing {
		t.Error("a conflict makes the partner unavailable")
	}
	s.step(UpdatesDone{Err: "timeout"}).in(CommunicationRecovery, "failure")
	s = newStage(t, pair(ModeHotStandby)[0], HotStandby, HotStandby)
	s.step(UpdatesDone{Err: "timeout"}).in(HotStandby, "hot-standby has no communication-recovery")
	set := pair(ModeLoadBalancing)[0]
	set.DelayedMax = 0
	newStage(t, set, LoadBalancing, LoadBalancing).step(UpdatesDone{Err: "timeout"}).in(LoadBalancing, "delayed-updates-limit 0")
}

// Conflict: a partner's update is refused only where it would promise an
// address to two clients.
func TestConflict(t *testing.T) {
	now := t0
	lease := func(id string, age time.Duration, st leases.State) *leases.Lease {
		return &leases.Lease{Addr: netip.MustParseAddr("192.0.2.1"), HW: []byte(id), ClientID: []byte(id), CLTT: now.Add(-age), ValidLft: 600, State: st}
	}
	held := lease("a", time.Minute, leases.Active)
	ended := lease("a", time.Minute, leases.Released)
	for _, w := range []struct {
		name      string
		own       State
		have, got *leases.Lease
		busy      bool
		want      bool
	}{
		{"nothing known", LoadBalancing, nil, lease("b", 0, leases.Active), false, false},
		{"our own change waits for the partner", LoadBalancing, nil, lease("b", 0, leases.Active), true, true},
		{"the same client, older: Kea overwrites", LoadBalancing, held, lease("a", time.Hour, leases.Active), false, false},
		{"newer, another client: the partner knows better", LoadBalancing, held, lease("b", 0, leases.Active), false, false},
		{"the same client, older than what it released", LoadBalancing, ended, lease("a", 2*time.Minute, leases.Active), false, true},
		{"the same client, after it released", LoadBalancing, ended, lease("a", time.Second, leases.Active), false, false},
		{"older, another client", LoadBalancing, held, lease("b", 2*time.Minute, leases.Active), false, true},
		{"a late release by a former client", LoadBalancing, held, lease("b", time.Hour, leases.Released), false, true},
		{"a decline, which names no client", PartnerDown, held, &leases.Lease{CLTT: now, State: leases.Declined}, false, false},
		{"an old decline", LoadBalancing, held, &leases.Lease{CLTT: now.Add(-time.Hour), State: leases.Declined}, false, true},
		{"expired here", LoadBalancing, lease("a", time.Hour, leases.Active), lease("b", 2*time.Hour, leases.Active), false, false},
		{"released here", LoadBalancing, lease("a", time.Minute, leases.Released), lease("b", time.Hour, leases.Active), false, false},
		{"we serve alone", PartnerDown, held, lease("b", 0, leases.Active), false, true},
		{"we serve alone, its own client", PartnerDown, held, lease("a", 0, leases.Active), false, false},
	} {
		if got := Conflict(w.own, w.have, w.got, w.busy, now); got != w.want {
			t.Errorf("%s: %v", w.name, got)
		}
	}
}

// A deaf partner: warn names where, take-over asks it to step aside and tries
// again after a while.
func TestDeafPartner(t *testing.T) {
	set := pair(ModeLoadBalancing)[0]
	if newStage(t, set, LoadBalancing, LoadBalancing).r.scope.Interrupted {
		t.Error("clients are counted although deaf-partner is off")
	}
	deaf := Counted{Unacked: scope.Unacked{Connecting: 11, Unacked: 11}, Where: []string{"relay 192.0.2.1"}}

	set.Deaf = DeafWarn
	s := newStage(t, set, LoadBalancing, LoadBalancing)
	if !s.r.scope.Interrupted {
		t.Error("clients are not counted")
	}
	w, ok := effect[Warning](s.step(deaf).out)
	if !ok || !strings.Contains(w.Text, "relay 192.0.2.1") || !strings.Contains(w.Text, "server2") {
		t.Errorf("%v %+v", ok, w)
	}
	if has[Warning](s.step(deaf).out) || has[SendMaintenance](s.out) {
		t.Error("warned twice, or did more than warn")
	}
	epoch := s.r.scope.Epoch
	s.beat(LoadBalancing)
	if s.r.scope.Epoch != epoch {
		t.Error("a heartbeat forgets the clients of a deaf partner")
	}
	s.now = s.now.Add(time.Minute)
	if s.beat(LoadBalancing); s.r.scope.Epoch == epoch {
		t.Error("the window does not end")
	}

	set.Deaf = DeafTakeOver
	s = newStage(t, set, LoadBalancing, LoadBalancing)
	if !has[SendMaintenance](s.step(deaf).out) {
		t.Error("no take-over")
	}
	s.step(MaintenanceDone{}).in(PartnerInMaintenance, "taken over").serves(256, true, "taken over")
	if has[Answer](s.out) {
		t.Error("an answer to a command nobody gave")
	}
	end := s.now.Add(deafProbe)
	for s.now.Before(end) && s.r.job.maintenance == nil {
		s.now = s.now.Add(10 * time.Second)
		s.beat(InMaintenance)
	}
	if e, ok := effect[SendMaintenance](s.out); !ok || !e.Cancel {
		t.Errorf("no attempt to give back: %v", s.out)
	}
	s.step(MaintenanceDone{State: LoadBalancing}).in(LoadBalancing, "given back")
	s.step(deaf).step(MaintenanceDone{})
	if s.r.deafness.probe != 2*deafProbe {
		t.Errorf("the second take-over lasts %s", s.r.deafness.probe)
	}
	// A take-over that is refused must never end in serving beside the partner.
	s = newStage(t, set, LoadBalancing, LoadBalancing)
	s.step(deaf).step(MaintenanceDone{Result: 1, Silent: true, Err: "timeout"}).in(CommunicationRecovery, "no answer")
}

func skewOf(m *Machine) time.Duration {
	skew, _ := m.Skew(0)
	return skew
}
