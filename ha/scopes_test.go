package ha

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/internal/rfc3074"
)

// Kea deals by parity (Kea: query_filter.cc, loadBalance): equal weights, and
// none, must be exactly that.
func TestHalvesAreKeas(t *testing.T) {
	for _, w := range [][2]int{{0, 0}, {1, 1}, {50, 50}} {
		for b, o := range share(w) {
			if int(o) != b%2 {
				t.Fatalf("weights %v: bucket %d belongs to %d", w, b, o)
			}
		}
	}
}

// Both servers compute the same deal, of the right size, evenly spread, and
// together everything.
func TestSplit(t *testing.T) {
	for w0 := 0; w0 <= 100; w0++ {
		s := pair(ModeLoadBalancing)
		s[0].Weights, s[1].Weights = [2]int{w0, 100 - w0}, [2]int{w0, 100 - w0}
		a, b := s[0].scope(s[0].defaultScopes(), true), s[1].scope(s[1].defaultScopes(), true)
		if a.Owners != b.Owners || a.Serve.Or(b.Serve) != rfc3074.All || a.Serve.Count()+b.Serve.Count() != 256 {
			t.Fatalf("%d: %d and %d buckets", w0, a.Serve.Count(), b.Serve.Count())
		}
		if want := int(math.Round(256 * float64(w0) / 100)); a.Serve.Count() != want {
			t.Errorf("%d%%: %d buckets, want %d", w0, a.Serve.Count(), want)
		}
		for from := 0; from+64 <= 256; from += 64 { // a quarter holds a quarter
			n := 0
			for h := from; h < from+64; h++ {
				if a.Serve.Has(uint8(h)) {
					n++
				}
			}
			if math.Abs(float64(n)-float64(a.Serve.Count())/4) > 1 {
				t.Errorf("%d%%: %d buckets in a quarter", w0, n)
			}
		}
	}
}

// Who has answered clients alone does not let the partner take an address from one
// of them until it has read our leases, also after a reset.
func TestAloneUntilRead(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], PartnerDown, Unavailable)
	s.m.Unsent(0).Add(1)
	if s.step(Reset{}).in(Waiting, "reset"); !s.r.policy.Alone {
		t.Error("what we gave away alone is forgotten")
	}
	s.read().step(SyncComplete{})
	if s.r.policy.Alone {
		t.Error("alone, though the partner has read all of it")
	}
}

// An address given away alone is not to be had by a page of a partner that has given
// none away without us; of one that may have, the newer lease counts.
func TestWhoKeepsAnAddress(t *testing.T) {
	for _, c := range []struct {
		name    string
		partner State
		unsent  uint64
		want    bool
	}{
		{"a partner that slept", LoadBalancing, 0, true},
		{"a partner that served alone before", LoadBalancing, 7, false},
		{"a partner that serves alone", PartnerDown, 0, false},
		{"a partner whose backlog has yet to come", CommunicationRecovery, 0, false},
	} {
		s := newStage(t, pair(ModeLoadBalancing)[0], PartnerDown, Unavailable)
		s.m.Unsent(0).Add(1)
		s.step(Reset{}).step(HeartbeatDone{State: c.partner, Time: s.now, Unsent: c.unsent})
		if got := s.r.policy.Keeps; got != c.want {
			t.Errorf("%s: keeps %v", c.name, got)
		}
	}
	for _, partner := range []State{PartnerDown, LoadBalancing} {
		for _, alone := range []int{0, 1} {
			s := newStage(t, pair(ModeLoadBalancing)[0], Waiting, Unavailable)
			s.m.Unsent(0).Add(alone)
			if got, want := s.beat(partner).r.policy.Yields, partner == PartnerDown && alone == 0; got != want {
				t.Errorf("%d given away alone beside %s: yields %v", alone, partner, got)
			}
		}
	}
}

// A Kea's sync that takes so long that we serve again between two pages has not read
// what we gave away then: it is reset, and reads once more. One that failed, or whose
// server died in the middle, leaves nothing behind.
func TestSyncWithAPause(t *testing.T) {
	page := ServiceOff{Origin: control.OriginHARemote, Period: 10 * time.Second}
	for name, c := range map[string]struct {
		between []Input
		again   bool
	}{
		"the next page":                       {nil, true},
		"it has failed":                       {[]Input{ServiceOn{Origin: control.OriginHARemote}}, false},
		"its server died":                     {[]Input{HeartbeatDone{State: Waiting, Time: t0}}, false},
		"it was asked what it is before that": {[]Input{HeartbeatDone{State: Waiting, Time: t0, Began: t0}}, true},
	} {
		s := newStage(t, pair(ModeLoadBalancing)[0], PartnerDown, Unavailable)
		s.step(page).step(ReadFromStart{}).wait(11*time.Second).serves(256, true, name)
		s.m.Unsent(0).Add(1)
		for _, in := range c.between { // before the next page, or the next sync
			s.step(in)
		}
		if s.beat(Syncing).step(page); !c.again {
			s.step(ReadFromStart{}) // it is the next sync
		}
		s.step(SyncComplete{}).beat(Ready)
		if got := has[SendReset](s.out); got != c.again {
			t.Errorf("%s: read again %v, want %v", name, got, c.again)
		}
	}
}

// A partner that was reset and went another way before it read anything is reset
// again.
func TestResetThatLedNowhere(t *testing.T) {
	s := newStage(t, pair(ModeHotStandby)[0], Ready, HotStandby)
	s.m.Unsent(0).Add(1)
	if !has[SendReset](s.beat(HotStandby).out) {
		t.Fatal("a partner that lacks leases is not reset")
	}
	s.step(ResetDone{})
	s.r.enter(s.now, PartnerDown, "the link is cut")
	s.r.enter(s.now, Ready, "and mended")
	if !has[SendReset](s.beat(HotStandby).out) {
		t.Error("it was reset once, and has read nothing since")
	}
	s.step(ResetDone{}).beat(PartnerDown)
	if !has[SendReset](s.beat(HotStandby).out) {
		t.Error("nor when the partner went to partner-down")
	}
}

// A partner that has just been reset is not ready any more, whatever it said last.
func TestResetPartnerIsNotReady(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], PartnerDown, Unavailable)
	s.m.Unsent(0).Add(1)
	if !has[SendReset](s.beat(Ready).out) {
		t.Fatal("a partner that lacks leases is not reset")
	}
	s.step(ResetDone{})
	s.r.run(s.now)
	s.in(PartnerDown, "whatever happens").read().step(SyncComplete{}).beat(Ready).in(LoadBalancing, "it has read")
}

// Lease updates by state and peer: Kea: ha_service.cc, shouldSendLeaseUpdates
// and shouldQueueLeaseUpdates.
func TestPolicy(t *testing.T) {
	s := pair(ModeLoadBalancing)[0]
	for st := Backup; st < Unavailable; st++ {
		want := Count
		switch st {
		case LoadBalancing, HotStandby, PartnerInMaintenance:
			want = Send
		case CommunicationRecovery:
			want = Queue
		}
		if got := s.policy(st, true); got.Alone != (st == PartnerDown || st == Terminated) {
			t.Errorf("%v: alone %v", st, got.Alone)
		}
		if got := s.policy(st, false); got.Partner != want || !got.Backups || got.Wait {
			t.Errorf("%s: %+v", st, got)
		}
	}
	s.SendUpdates = false
	if got := s.policy(LoadBalancing, true); got != (Policy{}) {
		t.Errorf("send-lease-updates false: %+v", got)
	}
	b := Settings{This: "server3", Peers: []Peer{{"server3", RoleBackup, true}}, SendUpdates: true}
	if got := b.policy(Backup, false); got.Partner != Ignore || !got.Backups {
		t.Errorf("a backup sends to other backups: %+v", got)
	}
}

// 0 means that nothing was ever left unsent, so a counter that wraps skips it
// (Kea: communication_state.cc, increaseUnsentUpdateCount).
func TestUnsent(t *testing.T) {
	var u Unsent
	u.n.Store(math.MaxUint64)
	if u.Add(1); u.Load() != 1 {
		t.Errorf("wraps to %d", u.Load())
	}
	if u.Add(0); u.Load() != 1 {
		t.Error("counts nothing")
	}
}

// Origins: Kea: dhcpsrv/network_state.cc.
func TestServiceOrigins(t *testing.T) {
	var s Service
	now := t0
	remote := origin{control.OriginHARemote, 0}
	s.disable(remote, time.Minute, now)
	s.disable(remote, 0, now) // leaves the older timer running
	if _, next := s.expire(now); !next.Equal(now.Add(time.Minute)) {
		t.Errorf("ends %s", next)
	}
	s.disable(remote, 2*time.Minute, now) // replaces it
	if s.expire(now.Add(time.Minute)); s.enabled(0) {
		t.Error("ended too soon")
	}
	if changed, _ := s.expire(now.Add(2 * time.Minute)); !changed || !s.enabled(0) {
		t.Error("did not end")
	}
	s.disable(origin{control.OriginUser, everyone}, 0, now)
	s.disable(origin{control.OriginHALocal, 0}, 0, now)
	if s.enable(origin{control.OriginHALocal, 0}); s.enabled(0) || !reflect.DeepEqual(s.Origins(), []control.Origin{control.OriginUser}) {
		t.Errorf("the user's is gone: %v", s.Origins())
	}
	if s.enable(origin{control.OriginUser, everyone}); !s.enabled(0) {
		t.Error("still off")
	}
}

// Hub and spoke: what one relationship does silences its own clients only.
// Kea's one service for all is a known trap (Kea ARM, "Hub and Spoke").
func TestRelationshipsAreApart(t *testing.T) {
	a := pair(ModeHotStandby)[0]
	m, _ := New([]Settings{a, a}, t0)
	m.rels[0].enter(t0, HotStandby, "test")
	m.rels[1].enter(t0, HotStandby, "test")
	on := func(when string, zero, one bool) {
		t.Helper()
		m.output(t0)
		if m.rels[0].scope.Enabled != zero || m.rels[1].scope.Enabled != one {
			t.Errorf("%s: %v %v", when, m.rels[0].scope.Enabled, m.rels[1].scope.Enabled)
		}
	}
	on("start", true, true)
	// Both branches send origin 2000: neither lifts the other's lock.
	m.Step(t0, 0, ServiceOff{Origin: control.OriginHARemote, Period: time.Minute})
	on("branch 0 syncs", false, true)
	m.Step(t0, 1, ServiceOff{Origin: control.OriginHARemote, Period: time.Minute})
	m.Step(t0, 0, SyncComplete{Origin: control.OriginHARemote})
	on("branch 0 is done", true, false)
	m.Step(t0, 1, ServiceOn{Origin: control.OriginHARemote})
	m.Step(t0, 0, Reset{})
	on("branch 0 waits", false, true)
	m.Step(t0, 0, ServiceOff{Origin: control.OriginUser, Shared: true})
	on("the user", false, false)
	m.Step(t0, 0, ServiceOn{Origin: control.OriginUser, Shared: true})
	on("the user again", false, true)
	m.Step(t0, 1, ServiceOff{Origin: control.OriginUser})
	on("the user, through a relationship's own listener", false, false)
	m.Step(t0, 0, ServiceOn{Origin: control.OriginUser})
	on("the user again, through another", false, true)
	m.Step(t0, 0, ServiceOn{Origin: control.OriginHALocal, Shared: true}) // to let a server serve by hand
	on("the local origin by hand", true, true)
}

// A server that gains clients first sends updates, then answers; one that loses
// them first stops answering.
func TestOrderOfEffects(t *testing.T) {
	order := func(out []Effect) (text string) {
		for _, e := range out {
			switch e.(type) {
			case Mark:
				text += "mark "
			case SetPolicy:
				text += "policy "
			case SetScope:
				text += "scope "
			case Answer:
				text += "answer "
			}
		}
		return strings.TrimSpace(text)
	}
	s := newStage(t, pair(ModeLoadBalancing)[0], Ready, Ready)
	if got := order(s.beat(Ready).out); got != "policy scope" {
		t.Errorf("gains: %s", got)
	}
	if got := order(s.step(MaintenanceNotify{Token: 1}).out); got != "scope policy answer" {
		t.Errorf("loses: %s", got)
	}
}

func TestNewSettings(t *testing.T) {
	c := &config.Relationship{ThisServer: "server2", Mode: "load-balancing", Pauses: map[string]string{"ready": "once"},
		Peers: []*config.Peer{{Name: "server1", Role: "primary"}, {Name: "server2", Role: "secondary"}, {Name: "server3", Role: "backup"}}}
	s, err := newSettings(c, &config.Needletail{Split: map[string]int{"server1": 70, "server2": 30}, DeafPartner: "warn"})
	if err != nil || s.Partner != "server1" || s.Weights != [2]int{70, 30} || s.Deaf != DeafWarn || s.Pauses[Ready] != PauseOnce {
		t.Errorf("%+v %v", s, err)
	}
	for want, n := range map[string]config.Needletail{
		"name both":    {Split: map[string]int{"server1": 70}},
		"negative":     {Split: map[string]int{"server1": 70, "server2": -1}},
		"both 0":       {Split: map[string]int{"server1": 0, "server2": 0}},
		"deaf-partner": {DeafPartner: "ignore"},
	} {
		if _, err := newSettings(c, &n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if s, err := newSettings(c, &config.Needletail{Split: map[string]int{"other1": 1, "other2": 2}}); err != nil || s.Weights != [2]int{} {
		t.Errorf("a split of another relationship: %v %v", s.Weights, err)
	}
}

// A partner that was reset may have begun to read our leases before its answer to the
// reset is here; what it reads then counts.
func TestResetAnsweredLate(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], PartnerDown, Unavailable)
	s.m.Unsent(0).Add(1)
	if s.beat(Ready); !has[SendReset](s.out) {
		t.Fatal("a partner that lacks leases is not reset")
	}
	s.read().step(ResetDone{}).step(SyncComplete{})
	if s.r.owes() || s.r.pressed {
		t.Error("the partner has read our leases, and we still think that it lacks some")
	}
}

// A partner that stood still in its sync goes on with a page from the middle when we
// have started anew: what we gave away since, it has not read.
func TestReadInTwoLives(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], PartnerDown, Unavailable)
	s.m.Unsent(0).Add(1)
	s.step(ServiceOff{Origin: control.OriginHARemote, Period: time.Minute}).step(SyncComplete{})
	if s.beat(Ready); !has[SendReset](s.out) {
		t.Error("half a sync passes for a whole one")
	}
	s.step(ResetDone{}).read().step(SyncComplete{}).beat(Ready).in(LoadBalancing, "it has read all")
}

// A change counted after the partner had begun to read is one that it lacks, also
// when both serve again.
func TestRemindsThePartner(t *testing.T) {
	s := newStage(t, pair(ModeLoadBalancing)[0], LoadBalancing, LoadBalancing)
	if s.beat(LoadBalancing); has[SendReset](s.out) {
		t.Error("a partner that lacks nothing is reset")
	}
	s.m.Unsent(0).Add(1)
	if s.beat(LoadBalancing); !has[SendReset](s.out) {
		t.Error("a partner that lacks a lease is not reset")
	}
	if s.step(ResetDone{}).beat(Waiting); has[SendReset](s.out) {
		t.Error("it is reset twice")
	}
	if s.beat(Ready); !has[Warning](s.out) {
		t.Error("nobody is told of a partner that does not read")
	}
	if s.beat(LoadBalancing); has[SendReset](s.out) {
		t.Error("a partner that does not read is reset for ever")
	}
}
