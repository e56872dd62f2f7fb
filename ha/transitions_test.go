package ha

import (
	"strings"
	"testing"
	"time"
)

// matrix is Kea's transition table as its handlers read (Kea: ha_service.cc),
// written down apart from rows. S is syncing, N the normal state, W waiting,
// pX only a primary does X, sync runs a sync, D? partner-down if the partner
// is down, DC? the same or else communication-recovery, T terminated, T10 that
// after ten minutes, IM and PIM the maintenance states, a b c as in notes below.
const matrix = `
own                    waiting syncing ready normal other recLB recHS down pim  im   term unav other
waiting                pS      .       S     S      .     S     .     S    S    S    T10  D?   .
syncing                sync    sync    sync  sync   W     sync  W     sync sync sync T    D?   sync
ready                  .       .       pN    N      W     N     W     .    IM   PIM  T    D?   .
load-balancing         .       .       .     .      W     .     -     W    IM   PIM  T    DC?  .
hot-standby            .       .       .     .      W     -     W     W    IM   PIM  T    D?   .
communication-recovery a       a       a     b      W     b     -     W    IM   PIM  T    D?   !W
partner-down           .       .       N     .      W     W     W     W    W    .    T    .    .
partner-in-maintenance .       .       .     .      .     .     .     .    .    .    .    D    .
in-maintenance         .       .       .     .      .     .     .     .    .    .    .    .    .
terminated             .       .       .     .      .     .     .     .    .    .    .    .    .
backup                 .       .       .     .      .     .     .     .    .    .    .    .    .
passive-backup         .       .       .     .      .     .     .     .    .    .    .    .    .
`

var t0 = time.Date(2026, 11, 21, 19, 0, 0, 0, time.UTC)

// pair returns the settings of both servers, with Kea's defaults.
func pair(mode Mode) [2]Settings {
	second := RoleSecondary
	if mode == ModeHotStandby {
		second = RoleStandby
	}
	s := Settings{
		Mode: mode, Heart: 10 * time.Second, Response: time.Minute, Ack: 10 * time.Second,
		UnackedMax: 10, RejectedMax: 10, SendUpdates: true, SyncLeases: true,
		Peers: []Peer{{"server1", RolePrimary, true}, {"server2", second, true}},
	}
	if mode == ModeLoadBalancing {
		s.DelayedMax = 100
	}
	one, two := s, s
	one.This, one.Partner = "server1", "server2"
	two.This, two.Partner = "server2", "server1"
	return [2]Settings{one, two}
}

// place returns a machine that is in a state, having heard from a partner in
// another one, silence ago.
func place(s Settings, own, partner State, silence time.Duration) (*relationship, time.Time) {
	m, _ := New([]Settings{s}, t0)
	r := m.rels[0]
	r.enter(t0, own, "test")
	r.partner.state = partner
	now := t0.Add(silence)
	m.expire(now)
	m.output(now)
	return r, now
}

// columns gives a partner state for each column of the matrix, by mode.
func columns(m Mode) []State {
	n, o, lb, hs := LoadBalancing, HotStandby, CommunicationRecovery, Unknown
	if m == ModeHotStandby {
		n, o, lb, hs = HotStandby, LoadBalancing, Unknown, CommunicationRecovery
	}
	return []State{Waiting, Syncing, Ready, n, o, lb, hs, PartnerDown, PartnerInMaintenance, InMaintenance, Terminated, Unavailable, PassiveBackup}
}

func TestEveryRowOfTheTable(t *testing.T) {
	cells := 0
	for _, line := range strings.Split(strings.TrimSpace(matrix), "\n")[1:] {
		f := strings.Fields(line)
		own, ok := parseState(f[0])
		if !ok {
			t.Fatalf("matrix: %q", f[0])
		}
		for _, mode := range []Mode{ModeLoadBalancing, ModeHotStandby} {
			if own == LoadBalancing && mode != ModeLoadBalancing || own == HotStandby && mode != ModeHotStandby {
				continue
			}
			for c, partner := range columns(mode) {
				lbOnly := c == 5 && mode != ModeLoadBalancing
				hsOnly := c == 6 && mode != ModeHotStandby
				if f[c+1] == "-" || lbOnly || hsOnly {
					continue
				}
				for side := range 2 {
					for _, silence := range []time.Duration{time.Second, 61 * time.Second} {
						checkCell(t, pair(mode)[side], own, partner, f[c+1], silence)
						cells++
					}
				}
			}
		}
	}
	t.Log(cells, "cells")
}

func checkCell(t *testing.T, s Settings, own, partner State, cell string, silence time.Duration) {
	t.Helper()
	r, now := place(s, own, partner, silence)
	primary := r.Role() == RolePrimary
	// Analysis is impossible without the service, and needless for a hot-standby primary.
	blind := !r.m.service.enabled(0) || s.Mode == ModeHotStandby && primary
	r.handle(now)
	want := own
	switch cell {
	case ".", "sync":
	case "S":
		want = Syncing
	case "pS":
		want = pick2(primary, Syncing, own)
	case "N":
		want = r.normal()
	case "pN":
		want = pick2(primary, r.normal(), own)
	case "W":
		want = Waiting
	case "!W":
		want = pick2(silence < time.Minute, Waiting, own)
	case "T":
		want = Terminated
	case "T10": // a minute is too early; TestTenMinuteRule waits
	case "IM":
		want = InMaintenance
	case "PIM":
		want = PartnerInMaintenance
	case "D":
		want = PartnerDown
	case "D?", "DC?":
		down := silence > time.Minute && blind
		want = pick2(down, PartnerDown, own)
		if cell == "DC?" && !down {
			want = CommunicationRecovery
		}
	case "a": // overflow is TestCommunicationRecovery's
	case "b":
		want = pick2(silence < time.Minute, LoadBalancing, own) // the backlog is empty
	default:
		t.Fatalf("cell %q", cell)
	}
	if r.state != want {
		t.Errorf("%s %s in %s, partner %s, silent for %s: %s, want %s", s.Mode, r.Role(), own, partner, silence, r.state, want)
	}
	if syncs := r.job.syncing; syncs != (cell == "sync") {
		t.Errorf("%s in %s, partner %s: sync %v", s.Mode, own, partner, syncs)
	}
}

func pick2(yes bool, a, b State) State {
	if yes {
		return a
	}
	return b
}

// Every row has a source, says something new, and no two rows speak of the
// same pair.
func TestRowsAreDisjointAndCited(t *testing.T) {
	seen := map[[2]uint8]string{}
	cites := map[string]bool{}
	for _, row := range rows {
		if !strings.HasPrefix(row.cite, "Kea: ha_service.cc, ") || cites[row.own.String()+row.cite] {
			t.Errorf("row of %s cites %q", row.own, row.cite)
		}
		cites[row.own.String()+row.cite] = true
		for _, p := range row.when {
			k := [2]uint8{uint8(row.own), uint8(p)}
			if other := seen[k]; other != "" {
				t.Errorf("%q and %q speak of the same pair", row.cite, other)
			}
			seen[k] = row.cite
		}
	}
}

// sync-leases false goes past syncing (Kea: ha_service.cc, waitingStateHandler).
func TestWithoutSync(t *testing.T) {
	s := pair(ModeLoadBalancing)[1]
	s.SyncLeases = false
	r, now := place(s, Waiting, LoadBalancing, time.Second)
	r.run(now)
	if r.state != LoadBalancing {
		t.Errorf("%s, want load-balancing by way of ready", r.state)
	}
}

// Since Kea 2.5.8 waiting beside a terminated partner ends after ten minutes,
// which begin when both are so: neither a long waiting before nor a termination
// long ago counts.
func TestTenMinuteRule(t *testing.T) {
	for silence, want := range map[time.Duration]State{9*time.Minute + 59*time.Second: Waiting, 10 * time.Minute: Terminated} {
		r, now := place(pair(ModeLoadBalancing)[0], Waiting, Terminated, silence)
		if r.run(now); r.state != want {
			t.Errorf("after %s: %s, want %s", silence, r.state, want)
		}
	}
	s := newStage(t, pair(ModeLoadBalancing)[1], Waiting, Waiting)
	beats := func(partner State, times int) {
		for range times {
			s.now = s.now.Add(10 * time.Second)
			s.beat(partner)
		}
	}
	beats(Waiting, 120)
	beats(Terminated, 60)
	s.in(Waiting, "waiting for long, 9:50 beside a terminated partner")
	s.now = s.now.Add(5 * time.Second)
	s.miss()
	beats(Terminated, 60)
	s.in(Waiting, "a lost heartbeat begins the ten minutes anew: it may have been restarted")
	beats(Terminated, 1)
	s.in(Terminated, "ten minutes")
	s.now = s.now.Add(time.Hour)
	s.step(Reset{}).in(Waiting, "reset, the partner being terminated for long")
	beats(Terminated, 59)
	s.in(Waiting, "9:50 after a reset")
	beats(Terminated, 1)
	s.in(Terminated, "ten minutes after a reset")
}

// Kea ARM, "Server States": every state has a way out by itself or by the
// partner, except those Kea has for the administrator. And no combination of
// states makes run go round.
func TestWaysOut(t *testing.T) {
	stuck := map[State]bool{Terminated: true, InMaintenance: true, Backup: true, PassiveBackup: true}
	for _, mode := range []Mode{ModeLoadBalancing, ModeHotStandby} {
		out := map[State]bool{}
		for own := Backup; own < Unavailable; own++ {
			if own == LoadBalancing && mode != ModeLoadBalancing || own == HotStandby && mode != ModeHotStandby ||
				own == CommunicationRecovery && mode != ModeLoadBalancing {
				out[own] = true
				continue
			}
			for partner := Unknown; partner < statesEnd; partner++ {
				for side := range 2 {
					for _, sync := range []bool{true, false} {
						s := pair(mode)[side]
						s.SyncLeases = sync
						r, now := place(s, own, partner, 61*time.Second)
						r.run(now) // panics on a cycle
						if r.job.syncing {
							r.syncDone(now, SyncDone{ID: r.job.syncID})
						}
						out[own] = out[own] || r.state != own
					}
				}
			}
			if out[own] == stuck[own] {
				t.Errorf("%s: %s has a way out: %v", mode, own, out[own])
			}
		}
	}
	// The four are left by ha-reset, in-maintenance also by a cancel.
	for s := range stuck {
		m, _ := New([]Settings{pair(ModeLoadBalancing)[0]}, t0)
		m.rels[0].enter(t0, s, "test")
		m.Step(t0, 0, Reset{})
		if got := m.rels[0].state; got == s {
			t.Errorf("ha-reset leaves a server in %s", s)
		}
	}
}
