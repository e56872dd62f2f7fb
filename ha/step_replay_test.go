package ha

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"needletail/internal/control"
)

// A replay runs machines through a recorded run of real Keas: whatever a line
// says a server did, its machine must want to do, and whatever a heartbeat was
// answered, its machine must be in that state with those scopes.
type replay struct {
	t    *testing.T
	at   map[string]*seat // by "name" of sender or receiver
	seat func(sender, receiver string) (from, to *seat)
}

// seat is one relationship of one server.
type seat struct {
	name  string
	m     *Machine
	i     int
	wants []Effect // not yet seen in the record
	sent  int      // backlog updates seen in the record
}

func newSeat(name string, s Settings, now time.Time) *seat {
	m, out := New([]Settings{s}, now)
	return &seat{name: name, m: m, wants: out.Effects}
}

func (s *seat) step(now time.Time, in Input) {
	s.wants = append(s.wants, s.m.Step(now, s.i, in).Effects...)
}

func (s *seat) rel() *relationship { return s.m.rels[s.i] }

// take removes the first wanted effect of e's type and reports whether it was there.
func take[E Effect](s *seat) (E, bool) {
	for k, w := range s.wants {
		if e, ok := w.(E); ok {
			s.wants = append(s.wants[:k:k], s.wants[k+1:]...)
			return e, true
		}
	}
	var none E
	return none, false
}

var lineOf = regexp.MustCompile(`^\s*([\d.]+)\s+(\S+):\d+ -> (\S+)\s+(\S+)\s+(.*?)\s*=> (\d+)`)
var answerOf = regexp.MustCompile(`^state=(\S+) scopes=(\S+) unsent=(\d+)`)

// recorded are the settings of the recordings.
func recorded(mode Mode) [2]Settings {
	p := pair(mode)
	for i := range p {
		p[i].Heart, p[i].Response, p[i].Ack = 3*time.Second, 12*time.Second, 2*time.Second
		p[i].UnackedMax = 2
	}
	return p
}

func (r *replay) file(name string) {
	f, err := os.Open("testdata/sequences/" + name)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	lines, n := bufio.NewScanner(f), 0
	for lines.Scan() {
		if m := lineOf.FindStringSubmatch(lines.Text()); m != nil {
			r.line(lines.Text(), m)
			n++
		}
	}
	if n < 8 {
		r.t.Errorf("%s: only %d lines understood", name, n)
	}
}

func (r *replay) line(text string, m []string) {
	secs, _ := strconv.ParseFloat(m[1], 64)
	now := t0.Add(time.Hour + time.Duration(secs*float64(time.Second)))
	from, to := r.seat(m[2], m[3])
	command, args, result := m[4], m[5], m[6]
	fail := func(format string, a ...any) {
		r.t.Helper()
		r.t.Errorf("%s\n    %s", text, fmt.Sprintf(format, a...))
	}
	for _, s := range r.at { // a backlog is sent when its lines are over
		if s.sent > 0 && (s != from || !strings.HasPrefix(command, "lease4-")) {
			s.sent = 0
			s.step(now, BacklogDone{})
		}
	}
	switch command {
	case "ha-heartbeat":
		a := answerOf.FindStringSubmatch(args)
		to.step(now, Tick{})
		st := to.m.Status(to.i, now)
		scopes := strings.Join(st.Scopes, ",")
		if scopes == "" {
			scopes = "-"
		}
		if st.State.String() != a[1] || scopes != a[2] {
			fail("%s is in %s with scopes %s", to.name, st.State, scopes)
		}
		unsent, _ := strconv.ParseUint(a[3], 10, 64)
		from.step(now, HeartbeatDone{State: st.State, Time: now, Scopes: st.Scopes, Unsent: unsent})
	case "dhcp-disable":
		if !from.rel().job.syncing {
			fail("%s does not want to synchronise", from.name)
		}
		to.step(now, ServiceOff{Origin: control.OriginHARemote, Period: time.Minute})
		if to.m.service.enabled(to.i) {
			fail("%s still serves", to.name)
		}
	case "lease4-get-page":
		if strings.Contains(args, `"from": "start"`) {
			to.step(now, ReadFromStart{})
		}
	case "ha-sync-complete-notify":
		sync, ok := take[StartSync](from)
		if !ok {
			fail("%s has not started a sync", from.name)
		}
		to.step(now, SyncComplete{})
		from.step(now, SyncDone{ID: sync.ID})
	case "ha-reset":
		if _, ok := take[SendReset](from); !ok {
			fail("%s does not want a reset", from.name)
		}
		to.step(now, Reset{})
		from.step(now, ResetDone{})
	case "ha-maintenance-notify":
		r.maintenance(now, from, to, strings.Contains(args, "true"), fail)
	case "lease4-update", "lease4-del":
		if result != "0" {
			from.step(now, UpdatesDone{Err: "result " + result})
			return
		}
		if _, ok := take[SendBacklog](from); ok || from.sent > 0 {
			from.sent++
			from.m.Backlog(from.i).Drain().Drop(1)
			from.m.Backlog(from.i).Drain().Seal()
			return
		}
		if got := from.rel().Settings.policy(from.rel().state, false).Partner; got != Send {
			fail("%s in %s does not send updates", from.name, from.rel().state)
		}
	}
}

func (r *replay) maintenance(now time.Time, from, to *seat, cancel bool, fail func(string, ...any)) {
	if cancel {
		from.step(now, MaintenanceCancel{Token: 7})
	} else {
		from.step(now, MaintenanceStart{Token: 7})
	}
	sent, ok := take[SendMaintenance](from)
	if !ok || sent.Cancel != cancel {
		fail("%s does not notify", from.name)
	}
	to.step(now, MaintenanceNotify{Token: 8, Cancel: cancel, State: sent.State})
	a, ok := take[Answer](to)
	if !ok || a.Token != 8 {
		fail("%s does not answer", to.name)
	}
	from.step(now, MaintenanceDone{Result: a.Result, State: a.State})
	if a, ok := take[Answer](from); !ok || a.Token != 7 || a.Result != 0 {
		fail("the administrator got %+v", a)
	}
}

// twoSeats is a replay of server1 and server2, each placed in a state.
func twoSeats(t *testing.T, s [2]Settings, one, two State, knows ...State) *replay {
	start := t0.Add(time.Hour)
	a, b := newSeat("server1", s[0], start), newSeat("server2", s[1], start)
	for i, x := range []*seat{a, b} {
		if st := []State{one, two}[i]; st != Waiting {
			x.rel().enter(start, st, "as recorded")
			x.rel().partner.state = knows[i]
		}
	}
	return &replay{t: t, at: map[string]*seat{"server1": a, "server2": b}, seat: func(sender, receiver string) (*seat, *seat) {
		if sender == "server1" {
			return a, b
		}
		return b, a
	}}
}

func TestReplayStartup(t *testing.T) {
	twoSeats(t, recorded(ModeLoadBalancing), Waiting, Waiting).file("sequence-startup-and-leases.txt")
}

func TestReplayHotStandby(t *testing.T) {
	s := recorded(ModeHotStandby)
	for i := range s {
		s[i].Peers = append(s[i].Peers, Peer{Name: "server3", Role: RoleBackup})
	}
	twoSeats(t, s, Waiting, Waiting).file("sequence-hot-standby-with-backup.txt")
}

func TestReplayMaintenance(t *testing.T) {
	twoSeats(t, recorded(ModeLoadBalancing), LoadBalancing, LoadBalancing, LoadBalancing, LoadBalancing).file("sequence-maintenance.txt")
}

func TestReplayRestartAfterPartnerDown(t *testing.T) {
	r := twoSeats(t, recorded(ModeLoadBalancing), PartnerDown, Waiting, Unavailable)
	r.at["server1"].m.Unsent(0).Add(6)
	r.file("sequence-restart-after-partner-down.txt")
}

func TestReplayCommunicationRecovery(t *testing.T) {
	r := twoSeats(t, recorded(ModeLoadBalancing), CommunicationRecovery, CommunicationRecovery, Unavailable, Unavailable)
	for name, queued := range map[string]int{"server1": 3, "server2": 2} {
		for range queued {
			r.at[name].m.Backlog(0).Push(Update{})
		}
	}
	r.file("sequence-communication-recovery.txt")
}

func TestReplayOverflow(t *testing.T) {
	s := recorded(ModeLoadBalancing)
	s[0].DelayedMax, s[1].DelayedMax = 2, 2
	r := twoSeats(t, s, CommunicationRecovery, CommunicationRecovery, Unavailable, Unavailable)
	for range 3 {
		r.at["server1"].m.Backlog(0).Push(Update{})
	}
	r.file("sequence-overflow-reset.txt")
}

// One server is a 2.2.0, which refuses the state of a released lease.
func TestReplayMixedVersions(t *testing.T) {
	r := twoSeats(t, recorded(ModeLoadBalancing), Waiting, Waiting)
	one, two := r.at["server1"], r.at["server2"]
	r.seat = func(sender, _ string) (*seat, *seat) {
		if sender == "10.9.9.1" {
			return one, two
		}
		return two, one
	}
	r.at["server2"].name = "10.9.9.2"
	r.queueWhenRecovering(two)
	r.file("k304-sequence-with-2.2.0.txt")
}

// queueWhenRecovering lets a client of s come by during communication-recovery.
func (r *replay) queueWhenRecovering(s *seat) {
	inner := r.seat
	r.seat = func(sender, receiver string) (*seat, *seat) {
		if s.rel().state == CommunicationRecovery && s.m.Backlog(0).Len() == 0 && s.sent == 0 {
			s.m.Backlog(0).Push(Update{})
		}
		return inner(sender, receiver)
	}
}

// Three servers: the hub is standby in two relationships.
func TestReplayHubAndSpoke(t *testing.T) {
	start := t0.Add(time.Hour)
	s := recorded(ModeHotStandby)
	second := recorded(ModeHotStandby)
	for i := range second {
		second[i].Peers = []Peer{{"server3", RolePrimary, true}, {"server4", RoleStandby, true}}
	}
	second[0].This, second[0].Partner = "server3", "server4"
	second[1].This, second[1].Partner = "server4", "server3"
	hub, out := New([]Settings{s[1], second[1]}, start)
	r := &replay{t: t, at: map[string]*seat{
		"10.9.9.1:8001": newSeat("branch 1", s[0], start),
		"10.9.9.3:8001": newSeat("branch 3", second[0], start),
		"10.9.9.2:8001": {name: "hub/0", m: hub, i: 0, wants: out.Effects},
		"10.9.9.2:8002": {name: "hub/1", m: hub, i: 1},
	}}
	peer := map[string]string{"10.9.9.1:8001": "10.9.9.2:8001", "10.9.9.2:8001": "10.9.9.1:8001",
		"10.9.9.3:8001": "10.9.9.2:8002", "10.9.9.2:8002": "10.9.9.3:8001"}
	r.seat = func(_, receiver string) (*seat, *seat) { return r.at[peer[receiver]], r.at[receiver] }
	// Both seats of the hub share a machine: an effect belongs to its relationship.
	r.at["10.9.9.2:8002"].wants = nil
	r.file("k304-sequence-hub-and-spoke.txt")
}
