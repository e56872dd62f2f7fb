package ha

import (
	"testing"
	"time"

	"needletail/internal/control"
)

func lb(t *testing.T, own State) *stage {
	return newStage(t, pair(ModeLoadBalancing)[0], own, LoadBalancing)
}

// ha-maintenance-start: Kea: ha_service.cc, processMaintenanceStart.
func TestMaintenanceStart(t *testing.T) {
	for _, own := range []State{InMaintenance, PartnerInMaintenance, Terminated} {
		lb(t, own).step(MaintenanceStart{Token: 1}).result(1, own.String()).in(own, "refused")
	}
	for _, w := range []struct {
		name   string
		answer MaintenanceDone
		want   State
		result int
	}{
		{"agreed", MaintenanceDone{}, PartnerInMaintenance, 0},
		{"transport error", MaintenanceDone{Result: 1, Silent: true, Err: "timeout"}, PartnerDown, 0},
		{"wrong password", MaintenanceDone{Result: 1, Err: "Unauthorized"}, LoadBalancing, 1}, // Kea: partner-down, beside it
		{"an error of the partner", MaintenanceDone{Result: 1}, LoadBalancing, 1},             // the same
		{"not allowed", MaintenanceDone{Result: 1001}, LoadBalancing, 1},                      // Kea takes it for unavailable
		{"unsupported", MaintenanceDone{Result: 2}, LoadBalancing, 1},
	} {
		s := lb(t, LoadBalancing).step(MaintenanceStart{Token: 1})
		if e, ok := effect[SendMaintenance](s.out); !ok || e.Cancel || e.State != LoadBalancing {
			t.Fatalf("%+v", e)
		}
		s.step(w.answer).in(w.want, w.name).result(w.result, w.name)
	}
}

// ha-maintenance-cancel: Kea: processMaintenanceCancel. We let go of the
// partner's clients before the partner takes them back.
func TestMaintenanceCancel(t *testing.T) {
	lb(t, LoadBalancing).step(MaintenanceCancel{Token: 1}).result(1, "nothing to cancel")
	s := lb(t, LoadBalancing).step(MaintenanceStart{}).step(MaintenanceDone{}).serves(256, true, "maintenance")
	s.step(MaintenanceCancel{Token: 2}).serves(128, true, "cancel under way").in(PartnerInMaintenance, "cancel under way")
	if e, ok := effect[SendMaintenance](s.out); !ok || !e.Cancel || e.State != LoadBalancing {
		t.Errorf("%+v", e)
	}
	s.step(MaintenanceDone{Result: 1, Err: "no"}).result(1, "refused").in(PartnerInMaintenance, "refused").serves(256, true, "refused")
	s.step(MaintenanceCancel{Token: 3}).step(MaintenanceDone{State: Ready}).result(0, "agreed").in(LoadBalancing, "no transition in the first run")
	if s.r.partner.state != Ready {
		t.Errorf("the partner's state is %s", s.r.partner.state)
	}
	// The answer to a cancel got lost, the partner serves again.
	s = lb(t, LoadBalancing).step(MaintenanceStart{}).step(MaintenanceDone{}).step(MaintenanceCancel{}).step(MaintenanceDone{Result: 1, Silent: true, Err: "timeout"})
	s.beat(LoadBalancing).in(PartnerInMaintenance, "as Kea stays").serves(128, true, "but not beside the partner")
	s.beat(InMaintenance).serves(256, true, "it is in maintenance after all")
	s.miss().in(PartnerDown, "the partner has gone")
}

// ha-maintenance-notify: Kea: processMaintenanceNotify.
func TestMaintenanceNotify(t *testing.T) {
	for own, want := range map[State]int{PartnerInMaintenance: 1001, Terminated: 1001, LoadBalancing: 0, Waiting: 0, PartnerDown: 0} {
		s := lb(t, own).step(MaintenanceNotify{Token: 1}).result(want, own.String())
		if want == 0 {
			s.in(InMaintenance, own.String()).serves(0, false, own.String())
		}
	}
	lb(t, LoadBalancing).step(MaintenanceNotify{Token: 1, Cancel: true}).result(1, "not in maintenance")
	s := lb(t, LoadBalancing).step(MaintenanceNotify{}).step(MaintenanceNotify{Token: 2, Cancel: true, State: LoadBalancing}).result(0, "cancel")
	if a, _ := effect[Answer](s.out); a.State != LoadBalancing || s.r.partner.state != LoadBalancing {
		t.Errorf("answered %s, partner %s", a.State, s.r.partner.state)
	}
	s = lb(t, LoadBalancing).step(MaintenanceNotify{}).step(MaintenanceNotify{Cancel: true})
	if s.in(LoadBalancing, "2.2.0 sends no state"); s.r.partner.state != Unavailable {
		t.Errorf("partner %s", s.r.partner.state)
	}
	// Both administrators at once: neither may serve for the other.
	lb(t, LoadBalancing).step(MaintenanceStart{}).step(MaintenanceNotify{Token: 1}).result(1001, "ours is under way").in(LoadBalancing, "ours is under way")
}

// A partner that lacks our leases must not be asked to serve for us.
func TestNoMaintenanceWhileOwing(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], CommunicationRecovery, Unavailable)
	s.r.backlog.Push(Update{})
	s.step(MaintenanceNotify{Token: 1}).result(1001, "backlog").in(CommunicationRecovery, "backlog")
}

// Communication-recovery: Kea: ha_service.cc, communicationRecoveryHandler.
func TestCommunicationRecovery(t *testing.T) {
	set := pair(ModeLoadBalancing)[0]
	set.DelayedMax = 2
	fresh := func(updates int) *stage {
		s := newStage(t, set, CommunicationRecovery, Unavailable)
		for range updates {
			s.r.backlog.Push(Update{})
		}
		return s
	}
	fresh(0).beat(LoadBalancing).in(LoadBalancing, "nothing to send")
	s := fresh(2).beat(LoadBalancing).in(CommunicationRecovery, "sending")
	if !has[SendBacklog](s.out) || has[SendBacklog](s.beat(LoadBalancing).out) {
		t.Error("the backlog is sent once at a time")
	}
	from := s.r.backlog.Drain()
	if from.Drop(2); !from.Seal() || s.r.backlog.Push(Update{}) {
		t.Error("a sealed backlog takes updates")
	}
	s.step(BacklogDone{}).in(LoadBalancing, "sent")
	if s.r.owes() {
		t.Error("everything was sent")
	}

	s = fresh(2).beat(LoadBalancing).step(BacklogDone{Err: "timeout"})
	if !has[SendReset](s.out) || s.r.partner.state != Unavailable {
		t.Error("a failure resets the partner")
	}
	s.step(ResetDone{Err: "timeout"}).in(CommunicationRecovery, "stays and retries")
	if s.beat(LoadBalancing); !has[SendBacklog](s.out) {
		t.Error("no retry at the next heartbeat")
	}

	s = fresh(3).beat(LoadBalancing)
	if has[SendBacklog](s.out) || !has[SendReset](s.out) {
		t.Error("an overflowed backlog is not sent")
	}
	s.step(ResetDone{}).in(Syncing, "both synchronise")
	fresh(3).beat(Ready).in(Syncing, "overflow, partner ready")
	fresh(2).beat(Ready).in(CommunicationRecovery, "no overflow, partner ready")

	s = fresh(1)
	s.step(Reset{})
	if !s.r.owes() || s.r.unsent.Load() != 1 {
		t.Error("updates that were dropped are owed")
	}
	// Its backlog goes on being sent by the driver; that end means nothing now.
	s = fresh(1).beat(LoadBalancing).step(Reset{}).step(BacklogDone{})
	s.in(Syncing, "stale")
}

// rejoin: the unsent counters of both sides (Kea: communication_state.cc,
// hasPartnerNewUnsentUpdates) and what Kea does not see.
func TestRejoin(t *testing.T) {
	fresh := func() *stage { return newStage(t, pair(ModeLoadBalancing)[0], PartnerDown, Unavailable) }
	fresh().beat(Ready).in(LoadBalancing, "nothing unsent")
	fresh().step(HeartbeatDone{State: Ready, Time: t0, Unsent: 3}).in(Syncing, "the partner answered clients alone")
	s := fresh().step(HeartbeatDone{State: Syncing, Time: t0, Unsent: 3}).in(PartnerDown, "partner syncs")
	s.step(HeartbeatDone{State: Ready, Time: t0, Unsent: 3}).in(Syncing, "seen before, still not fetched: Kea forgets here")

	s = fresh()
	s.m.Unsent(0).Add(2)
	s.beat(Ready).in(PartnerDown, "the partner has not read our leases")
	if !has[SendReset](s.out) {
		t.Error("no reset")
	}
	s.step(ResetDone{}).beat(Waiting)
	s.step(ServiceOff{Token: 1, Origin: control.OriginHARemote, Period: time.Minute}).serves(256, false, "partner reads").result(0, "disable").step(ReadFromStart{})
	s.step(SyncComplete{Token: 2}).serves(256, false, "silent until a heartbeat").result(0, "notify")
	s.beat(Ready).in(LoadBalancing, "read")

	s = fresh()
	s.m.Unsent(0).Add(2)
	s.beat(Ready).step(ResetDone{}).beat(Ready).in(LoadBalancing, "a partner that never reads")
	if !has[Warning](s.out) {
		t.Error("no warning")
	}

	// A stream: nothing goes unsent, nobody is silent.
	s = fresh()
	s.m.Unsent(0).Add(2)
	s.step(StreamOpened{})
	if s.r.policy.Partner != Send {
		t.Error("changes are not sent to a partner that streams")
	}
	s.step(SyncComplete{Token: 2}).serves(256, true, "after a stream").beat(Ready).in(LoadBalancing, "after a stream")
	s = fresh().step(StreamOpened{}).step(StreamClosed{})
	if s.r.policy.Partner != Count {
		t.Error("changes go to a broken stream")
	}
	s = fresh().step(StreamOpened{}).step(UpdatesDone{Err: "timeout"})
	if s.r.policy.Partner != Count {
		t.Error("clients of a survivor wait for a partner that has gone again")
	}
}

// A stream ends with the notify, and at the latest when its partner is taken
// for down: a survivor's clients wait for nobody.
func TestStreamEndsBeforePartnerDown(t *testing.T) {
	for name, inputs := range map[string][]Input{
		"finished":  {StreamOpened{}, SyncComplete{Token: 1}},
		"cut short": {StreamOpened{}},
	} {
		s := newStage(t, pair(ModeHotStandby)[0], HotStandby, HotStandby)
		for _, in := range inputs {
			s.step(in)
		}
		for s.beat(HotStandby); s.r.state == HotStandby; s.miss() {
			s.now = s.now.Add(10 * time.Second)
		}
		if s.in(PartnerDown, name); s.r.policy.Partner != Count {
			t.Errorf("%s: clients of a survivor wait for the partner that it has given up", name)
		}
	}
	s := newStage(t, pair(ModeHotStandby)[0], Ready, Ready).step(StreamOpened{}).step(SyncComplete{Token: 1})
	if s.r.policy.Partner != Refuse {
		t.Error("ready goes on feeding a stream that has ended")
	}
}

// The silence after ha-sync-complete-notify ends (Kea: ha_service.cc,
// partnerDownStateHandler), and soon.
func TestSilenceAfterSync(t *testing.T) {
	fresh := func() *stage {
		s := newStage(t, pair(ModeLoadBalancing)[0], PartnerDown, Unavailable)
		return s.step(ServiceOff{Origin: control.OriginHARemote, Period: time.Minute}).step(SyncComplete{}).serves(256, false, "silent")
	}
	fresh().miss().in(PartnerDown, "lost").serves(256, true, "lost again")
	fresh().beat(Waiting).serves(256, true, "the partner has started anew")
	s := fresh().beat(Syncing).serves(256, false, "not ready yet")
	s.beat(Syncing).serves(256, true, "not ready for long")
	s = fresh()
	if s.wait(afterSyncNotify); !has[SendHeartbeat](s.out) {
		t.Error("no heartbeat soon after the notify")
	}
	// A heartbeat asked for before the notify says nothing; the next is as soon.
	s = newStage(t, pair(ModeLoadBalancing)[0], PartnerDown, Unavailable)
	s.wait(10 * time.Second)
	s.step(SyncComplete{}).beat(Syncing).serves(256, false, "stale")
	if s.wait(afterSyncNotify); !has[SendHeartbeat](s.out) {
		t.Error("no heartbeat soon after a stale one")
	}
	s.beat(Ready).in(LoadBalancing, "ready")
}

// Mark: what a restart must not forget.
func TestMark(t *testing.T) {
	s := lb(t, LoadBalancing)
	marks := func() []Mark {
		var all []Mark
		for _, e := range s.out {
			if m, ok := e.(Mark); ok {
				all = append(all, m)
			}
		}
		return all
	}
	s.step(HeartbeatDone{State: LoadBalancing, Time: s.now, Unsent: 7})
	if s.miss(); len(marks()) != 1 || marks()[0] != (Mark{Alone: true, Read: 7}) {
		t.Errorf("communication-recovery: %v", marks())
	}
	if _, first := s.out[0].(Mark); !first {
		t.Error("the mark must be durable before anything else")
	}
	if s.beat(LoadBalancing); len(marks()) != 1 || marks()[0] != (Mark{}) {
		t.Errorf("back: %v", marks())
	}
}

// A marked server goes on as one whose partner lacks leases, and knows whether the
// partner has given any away meanwhile.
func TestMarkedStart(t *testing.T) {
	for unsent, keeps := range map[uint64]bool{7: true, 8: false, 0: false} {
		set := pair(ModeLoadBalancing)[0]
		set.Alone, set.Read = true, 7
		m, _ := New([]Settings{set}, t0)
		r := m.rels[0]
		if m.Unsent(0).Load() == 0 || !r.owes() || r.policy.Keeps {
			t.Errorf("a marked server starts with %d unsent updates, policy %+v", m.Unsent(0).Load(), r.policy)
		}
		out := m.Step(t0.Add(time.Second), 0, HeartbeatDone{State: LoadBalancing, Time: t0, Unsent: unsent})
		if got := r.policy.Keeps; got != keeps {
			t.Errorf("beside a partner that has %d unsent updates it keeps: %v", unsent, got)
		}
		for _, e := range out.Effects {
			if m, ok := e.(Mark); ok {
				t.Errorf("marked again: %v", m)
			}
		}
	}
}

// A Kea before 2.7.5 goes back to maintenance after a cancel and stays there, whatever
// cancels follow: seen with Debian's 2.2.0. Without maintenance of late it is taken at
// its word.
func TestMaintenanceRelapse(t *testing.T) {
	s := lb(t, LoadBalancing).step(MaintenanceStart{}).step(MaintenanceDone{}).step(MaintenanceCancel{}).step(MaintenanceDone{})
	s.beat(LoadBalancing).serves(128, true, "it has left")
	s.beat(InMaintenance).in(LoadBalancing, "it has gone back").serves(256, true, "it serves nobody")
	if _, ok := effect[SendReset](s.out); !ok {
		t.Error("the partner was not reset")
	}
	s.step(ResetDone{})
	for _, p := range []State{InMaintenance, Waiting, Syncing} {
		s.beat(p).in(LoadBalancing, p.String()).serves(256, true, p.String())
		if _, ok := effect[SendReset](s.out); ok {
			t.Errorf("reset again in %s", p)
		}
	}
	s.step(SyncComplete{}).serves(128, true, "it is about to serve")
	s.beat(Ready).beat(LoadBalancing).in(LoadBalancing, "it serves").serves(128, true, "it serves")

	s.step(MaintenanceStart{}).beat(InMaintenance).in(PartnerInMaintenance, "asked for").step(MaintenanceDone{})
	s.step(MaintenanceCancel{}).step(MaintenanceDone{State: LoadBalancing})
	s.now = s.now.Add(relapse + time.Second)
	s.beat(LoadBalancing).beat(InMaintenance).in(PartnerInMaintenance, "long after the cancel")
}
