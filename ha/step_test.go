package ha

import (
	"testing"
	"time"
)

// Kea ARM, "Scopes"; ha_service.cc, the doOnEntry parts: scopes, service,
// heartbeats and updates of every state.
func TestWhatStatesDo(t *testing.T) {
	type row struct {
		state   State
		scopes  string // none, default, failover
		service bool
		beats   bool
		updates Action
	}
	for _, w := range []row{
		{Waiting, "none", false, true, Refuse},
		{Syncing, "none", false, true, Refuse}, // heartbeats stop while a sync runs
		{Ready, "none", false, true, Refuse},
		{LoadBalancing, "default", true, true, Send},
		{HotStandby, "default", true, true, Send},
		{CommunicationRecovery, "default", true, true, Queue},
		{PartnerDown, "failover", true, true, Count},
		{PartnerInMaintenance, "failover", true, true, Send},
		{InMaintenance, "none", false, true, Refuse},
		{Terminated, "default", true, false, Count},
	} {
		for side := range 2 {
			mode := ModeLoadBalancing
			if w.state == HotStandby {
				mode = ModeHotStandby
			}
			s := newStage(t, pair(mode)[side], w.state, Unknown)
			share := map[Mode][2]int{ModeLoadBalancing: {128, 128}, ModeHotStandby: {256, 0}}[mode][side]
			want := map[string]int{"none": 0, "default": share, "failover": 256}[w.scopes]
			s.serves(want, w.service, w.state.String())
			if beats := !s.r.heart.at.IsZero(); beats != w.beats {
				t.Errorf("%s: heartbeats %v", w.state, beats)
			}
			if s.r.policy.Partner != w.updates {
				t.Errorf("%s: updates %d, want %d", w.state, s.r.policy.Partner, w.updates)
			}
		}
	}
}

// Own auto-failover false: partner-down serves the default scope, unless an
// administrator started maintenance (Kea ARM, "auto-failover").
func TestAutoFailover(t *testing.T) {
	set := pair(ModeLoadBalancing)[0]
	set.Peers = []Peer{{"server1", RolePrimary, false}, {"server2", RoleSecondary, true}}
	newStage(t, set, PartnerDown, Unavailable).serves(128, true, "auto-failover false")
	s := newStage(t, set, LoadBalancing, LoadBalancing)
	s.step(MaintenanceStart{Token: 1}).step(MaintenanceDone{Result: 1, Silent: true, Err: "connection refused"})
	s.in(PartnerDown, "partner unreachable").result(0, "start").serves(256, true, "maintenance")
}

// Servers without an active partner: Kea: ha_service.cc, waitingStateHandler.
func TestServersAlone(t *testing.T) {
	b := pair(ModeLoadBalancing)[0]
	b.Peers = append(b.Peers, Peer{Name: "server3", Role: RoleBackup})
	b.This, b.Partner = "server3", ""
	m, out := New([]Settings{b}, t0)
	if m.rels[0].state != Backup || has[SendHeartbeat](out.Effects) || !out.Wake.IsZero() {
		t.Errorf("a backup is in %s, wakes at %s", m.rels[0].state, out.Wake)
	}
	p := pair(ModePassiveBackup)[0]
	p.Peers = []Peer{{"server1", RolePrimary, true}, {"server2", RoleBackup, true}}
	p.Partner = ""
	m, out = New([]Settings{p}, t0)
	if r := m.rels[0]; r.state != PassiveBackup || r.scope.Serve.Count() != 256 || !r.scope.Enabled || !out.Wake.IsZero() {
		t.Errorf("a passive-backup primary is in %s", r.state)
	}
	for _, in := range []Input{MaintenanceStart{Token: 1}, MaintenanceCancel{Token: 2}} { // Kea does not answer
		s := &stage{T: t, m: m, r: m.rels[0], now: t0}
		s.step(in).result(1, "nobody to maintain").in(PassiveBackup, "nobody to maintain")
	}
}

// Pausing: Kea ARM, "Pausing the HA State Machine"; state_model.cc.
func TestPausing(t *testing.T) {
	set := pair(ModeLoadBalancing)[1]
	set.Pauses = map[State]Pause{Ready: PauseOnce, Waiting: PauseAlways, InMaintenance: PauseAlways}
	s := newStage(t, set, Waiting, Unknown) // entered twice; it was paused by the start
	s.beat(LoadBalancing).in(Waiting, "paused")
	if st := s.m.Status(0, s.now); !st.Paused || st.Partner != LoadBalancing {
		t.Errorf("%+v", st)
	}
	s.step(Continue{Token: 1}).result(0, "continue").in(Waiting, "ha-continue only clears the flag")
	s.beat(LoadBalancing).in(Syncing, "the next event moves")
	s.step(SyncDone{ID: s.r.job.syncID}).in(Ready, "paused once")
	s.beat(LoadBalancing).in(Ready, "paused once")
	s.step(Continue{}).beat(LoadBalancing).in(LoadBalancing, "continued")
	s.step(Reset{Token: 2}).in(Waiting, "ha-reset, and pauses always")
	s.step(Continue{}).beat(LoadBalancing).step(SyncDone{ID: s.r.job.syncID}).in(LoadBalancing, "ready pauses once only")
	s.step(MaintenanceNotify{Token: 3}).result(0, "notify").in(InMaintenance, "ignores pausing")
	if s.r.paused {
		t.Error("in-maintenance is paused")
	}
}

// ha-reset acts in every state and stops after the first handler: a sync waits
// for the next heartbeat (Kea: ha_service.cc, processHAReset).
func TestReset(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[1], Terminated, LoadBalancing)
	s.step(Reset{Token: 1}).result(0, "ha-reset").in(Syncing, "after the handler of waiting")
	if has[StartSync](s.out) {
		t.Error("ha-reset ran a second handler")
	}
	s.wait(10 * time.Second)
	if !has[SendHeartbeat](s.out) {
		t.Error("no heartbeat after a reset")
	}
	if s.beat(LoadBalancing); !has[StartSync](s.out) {
		t.Error("no sync at the next heartbeat")
	}
	s = newStage(t, pair(ModeLoadBalancing)[1], Waiting, Waiting)
	s.step(Reset{Token: 1}).result(0, "in waiting").in(Waiting, "in waiting")
}

// ha-reset leaves terminated also where the clocks were the reason: they may
// have been put right, and are measured anew.
func TestResetAfterClockSkew(t *testing.T) {
	for by, want := range map[time.Duration]State{0: Syncing, 61 * time.Second: Terminated} {
		s := newStage(t, pair(ModeLoadBalancing)[1], LoadBalancing, LoadBalancing)
		s.skewed(61*time.Second).in(Terminated, "clocks apart")
		s.now = s.now.Add(time.Hour)
		s.step(Reset{Token: 1}).result(0, "ha-reset").in(Syncing, "ha-reset")
		if s.wait(10 * time.Second); !has[SendHeartbeat](s.out) {
			t.Error("no heartbeat after a reset")
		}
		s.skewed(by).in(want, "clocks "+by.String()+" apart")
	}
}

// A reset in the middle of a sync abandons it; its end then means nothing.
func TestStaleSync(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], Waiting, Unknown)
	s.beat(LoadBalancing).in(Syncing, "start")
	old := s.r.job.syncID
	if s.step(Reset{}); !has[StopSync](s.out) {
		t.Error("the sync goes on")
	}
	s.step(SyncDone{ID: old}).in(Syncing, "stale")
	s.beat(LoadBalancing)
	if e, ok := effect[StartSync](s.out); !ok || e.ID == old {
		t.Error("no new sync")
	}
	s.step(SyncDone{ID: s.r.job.syncID, Err: "timeout"}).in(Syncing, "a failed sync")
	if s.r.partner.state != Unavailable || s.r.heart.at.IsZero() {
		t.Error("after a failed sync the partner is unavailable and heartbeats go on")
	}
}

// ha-scopes (Kea: ha_service.cc, processScopes): server names, not classes.
func TestScopesCommand(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], LoadBalancing, LoadBalancing)
	s.step(SetScopes{1, []string{"server2", "server1"}}).result(0, "both").serves(256, true, "both")
	s.step(SetScopes{2, []string{"HA_server1"}}).result(1, "class").serves(256, true, "the old set is kept")
	s.step(SetScopes{3, nil}).result(0, "none").serves(0, true, "none")
	s.step(MaintenanceNotify{Token: 4}).step(MaintenanceNotify{Token: 5, Cancel: true, State: LoadBalancing})
	s.serves(128, true, "until the next state")
}

// Also in partner-in-maintenance scopes given by hand last until the next
// state, or until the partner serves its clients itself.
func TestScopesCommandInMaintenance(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], PartnerInMaintenance, InMaintenance)
	s.step(SetScopes{1, []string{"server1"}}).result(0, "one").serves(128, true, "one")
	s.beat(InMaintenance).beat(InMaintenance).serves(128, true, "heartbeats that tell nothing new")
	s.step(SetScopes{2, []string{"server1", "server2"}}).serves(256, true, "both")
	s.beat(LoadBalancing).serves(128, true, "the partner serves")
	s.step(SetScopes{3, nil}).beat(LoadBalancing).serves(0, true, "by hand beside a partner that serves")
	s.beat(InMaintenance).serves(256, true, "the partner is in maintenance again")
}

// A heartbeat that was asked before a cancel, or answered before the partner
// knew of it, does not begin maintenance again.
func TestMaintenanceCancelledMeanwhile(t *testing.T) {
	set := pair(ModeHotStandby)[1]
	s := newStage(t, set, HotStandby, HotStandby)
	asked := s.now.Add(-time.Millisecond)
	s.step(MaintenanceStart{Token: 1}).step(MaintenanceDone{}).in(PartnerInMaintenance, "started here")
	s.step(MaintenanceCancel{Token: 2}).step(MaintenanceDone{State: HotStandby}).in(HotStandby, "cancelled here")
	s.step(HeartbeatDone{State: InMaintenance, Time: s.now, Began: asked}).in(HotStandby, "asked before")
	s.step(HeartbeatDone{State: InMaintenance, Time: s.now, Began: s.now}).in(HotStandby, "asked since")
	if _, ok := effect[SendReset](s.out); !ok {
		t.Error("asked since: a relapse, but no ha-reset")
	}

	s = newStage(t, set, HotStandby, HotStandby)
	s.step(MaintenanceNotify{Token: 1}).in(InMaintenance, "the partner's start")
	s.step(MaintenanceNotify{Token: 2, Cancel: true, State: HotStandby}).in(HotStandby, "the partner's cancel")
	asked = s.now.Add(10 * time.Millisecond)
	s.step(HeartbeatDone{State: PartnerInMaintenance, Time: s.now, Began: asked}).in(HotStandby, "asked at once")
	s.now = s.now.Add(set.Heart)
	s.step(Tick{}).step(HeartbeatDone{State: PartnerInMaintenance, Time: s.now, Began: asked}).in(HotStandby, "asked by the next heartbeat")
	s.step(MaintenanceNotify{Token: 3}).in(InMaintenance, "begun again")
	s.step(MaintenanceNotify{Token: 4, Cancel: true, State: HotStandby})
	s.step(HeartbeatDone{State: PartnerInMaintenance, Time: s.now, Began: s.now.Add(2 * cancelLag)}).in(InMaintenance, "asked much later")
}
