package slowpath

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"needletail/internal/frame"
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
	"needletail/internal/transcript"
)

// hub has two relationships, told apart by the subnet (Kea: hub and spoke).
const hub = `{"Dhcp4": {
  "interfaces-config": {"interfaces": ["*"]},
  "lease-database": {"type": "memfile", "persist": false},
  "hooks-libraries": [{"library": "libdhcp_lease_cmds.so"}, {"library": "libdhcp_ha.so", "parameters": {"high-availability": [
    {"this-server-name": "server3", "mode": "hot-standby", "peers": [
      {"name": "server3", "url": "http://127.0.0.1:8001/", "role": "standby"}, {"name": "server1", "url": "http://127.0.0.1:8002/", "role": "primary"}]},
    {"this-server-name": "server4", "mode": "hot-standby", "peers": [
      {"name": "server4", "url": "http://127.0.0.1:8003/", "role": "standby"}, {"name": "server2", "url": "http://127.0.0.1:8004/", "role": "primary"}]}
  ]}}],
  "subnet4": [
    {"id": 1, "subnet": "192.0.2.0/24", "pools": [{"pool": "192.0.2.10-192.0.2.20"}], "user-context": {"ha-server-name": "server1"}},
    {"id": 2, "subnet": "198.51.100.0/24", "pools": [{"pool": "198.51.100.10-198.51.100.20"}], "user-context": {"ha-server-name": "server4"}},
    {"id": 3, "subnet": "203.0.113.0/24", "pools": [{"pool": "203.0.113.10-203.0.113.20"}]}
  ]
}}`

func startHub(t *testing.T) *inMemory {
	s := newInMemory(t)
	if err := s.Start([]byte(hub), []transcript.Interface{{Name: "eth0", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// from is a DISCOVER relayed by this address.
func from(giaddr frame.IP) *frame.Query {
	m := rawQuery(53, 1, typeDiscover, 255)
	copy(m[offGiaddr:], giaddr[:])
	return &frame.Query{Message: m, IfIndex: 1, Link: frame.Link{Src: giaddr, Dst: frame.IP{192, 0, 2, 1}, SrcPort: 67}}
}

func TestJudgeSeveralRelationships(t *testing.T) {
	s := startHub(t)
	f := s.engine.Filter()
	one, two, none, nowhere := frame.IP{192, 0, 2, 2}, frame.IP{198, 51, 100, 2}, frame.IP{203, 0, 113, 2}, frame.IP{10, 0, 0, 1}
	whole := scope.Scope{Mode: scope.Whole, Enabled: true, Serve: rfc3074.All, Names: []string{"server1"}}
	f.SetScope(0, whole)
	whole.Names, whole.Serve = []string{"server2"}, rfc3074.Buckets{}
	f.SetScope(1, whole)
	check := func(what string, giaddr frame.IP, want Verdict) {
		t.Helper()
		if got := f.Judge(from(giaddr)); got != want {
			t.Errorf("%s: got %+v, want %+v", what, got, want)
		}
	}
	check("the first relationship's subnet", one, Verdict{Serve: true, Relationship: 0, Owner: "server1"})
	check("the second's, by any of its peers' names", two, Verdict{Silence: SilenceNotForUs, Relationship: 1, Owner: "server2"})
	check("a subnet of none", none, Verdict{Silence: SilenceNoRelationship})
	check("no subnet", nowhere, Verdict{Silence: SilenceNoSubnet})
	// Each relationship has a service of its own.
	off, on := scope.Scope{Mode: scope.Whole, Names: []string{"server1"}}, scope.Scope{Mode: scope.Whole, Enabled: true, Serve: rfc3074.All, Names: []string{"server2"}}
	f.SetScope(0, off)
	f.SetScope(1, on)
	check("the first's service is off", one, Verdict{Silence: SilenceServiceDisabled})
	check("and the second serves", two, Verdict{Serve: true, Relationship: 1, Owner: "server2"})
	check("a subnet of none, the first's service being off", none, Verdict{Silence: SilenceNoRelationship})
	f.SetScope(0, on)
	f.SetScope(1, off)
	check("the other way round", one, Verdict{Serve: true, Relationship: 0, Owner: "server2"})
	check("the other way round", two, Verdict{Silence: SilenceServiceDisabled, Relationship: 1})
}

// A reload that takes HA out leaves scopes behind; they must not count.
func TestJudgeWithoutRelationships(t *testing.T) {
	s := newInMemory(t)
	if err := s.Start([]byte(fuzzConfig), []transcript.Interface{{Name: "eth0"}}); err != nil {
		t.Fatal(err)
	}
	f := s.engine.Filter()
	f.SetScope(0, scope.Scope{Mode: scope.Hashed})
	if v := f.Judge(from(frame.IP{192, 0, 2, 2})); !v.Serve {
		t.Errorf("a scope of no relationship counts: %+v", v)
	}
	f.SetScope(0, scope.Scope{Mode: scope.None})
	if v := f.Judge(from(frame.IP{192, 0, 2, 2})); v.Silence != SilenceServiceDisabled {
		t.Errorf("the service is off: %+v", v)
	}
}

// A scope is replaced whole: no query sees half of two scopes. Run with -race.
func TestSetScopeUnderQueries(t *testing.T) {
	s := startHub(t)
	f := s.engine.Filter()
	scopes := []scope.Scope{
		{Mode: scope.Whole, Enabled: true, Serve: rfc3074.All, Names: []string{"a"}, Epoch: 1},
		{Mode: scope.Whole, Enabled: true, Names: []string{"b"}, Interrupted: true, Epoch: 2},
	}
	f.SetScope(0, scopes[0])
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			q := from(frame.IP{192, 0, 2, 2})
			for !stop.Load() {
				if v := f.Judge(q); v.Serve != (v.Owner == "a") {
					t.Errorf("half of each: %+v", v)
					return
				}
			}
		})
	}
	for i := range 2000 {
		f.SetScope(0, scopes[i%2])
	}
	stop.Store(true)
	wg.Wait()
}

// secs in the wrong byte order and the strict comparison (Kea:
// communication_state_unittest.cc has the same cases).
func TestTooLong(t *testing.T) {
	for _, c := range []struct {
		secs uint16
		want bool
	}{{10, false}, {11, true}, {0, false}, {0x0a00, false}, {0x0b00, true}, {0x0100, false}, {0x0101, true}, {255, true}} {
		if got := tooLong(c.secs, 10*time.Second); got != c.want {
			t.Errorf("secs %#x: got %t", c.secs, got)
		}
	}
}

// Clients are counted once each however many workers see them, and a new epoch
// starts at nothing, also when its bits in the slots come round.
func TestUnackedClients(t *testing.T) {
	u := newUnackedClients(1)
	var wg sync.WaitGroup
	var fresh atomic.Uint32
	const clients = 1000
	for range 4 {
		wg.Go(func() {
			for i := range clients {
				if u.note(fmt.Appendf(nil, "%d", i), nil, i%2 == 0) {
					fresh.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := u.connecting.Load(); n != clients {
		t.Errorf("%d clients counted, want %d", n, clients)
	}
	if n := fresh.Load(); n != clients/2 {
		t.Errorf("%d clients newly unacked, want %d", n, clients/2)
	}
	if !u.note([]byte("1"), nil, true) || u.note([]byte("1"), nil, true) || u.note([]byte("1"), nil, false) {
		t.Error("a client becomes unacked once and stays so")
	}
	if u.note([]byte("1"), []byte("x"), false); u.connecting.Load() != clients+1 {
		t.Error("the same address with another identifier is another client")
	}
	for _, epoch := range []uint32{2, 1 << epochBits, 1<<epochBits + 1} {
		u = u.next(epoch)
		if got := u.read(); got != (scope.Unacked{}) {
			t.Errorf("epoch %d begins with %+v", epoch, got)
		}
		if !u.note([]byte("0"), nil, true) {
			t.Errorf("epoch %d remembers a client of a former one", epoch)
		}
	}
}

func TestOnUnacked(t *testing.T) {
	s := startHub(t)
	f := s.engine.Filter()
	f.SetScope(0, scope.Scope{Mode: scope.Whole, Enabled: true, Interrupted: true, AckDelay: time.Second, UnackedMax: 2})
	var woken []int
	f.OnUnacked(func(i int) { woken = append(woken, i) })
	for i := range 5 {
		q := from(frame.IP{192, 0, 2, 2})
		q.Message[offChaddr+5], q.Message[offSecs+1] = byte(i), 9
		f.Judge(q)
		if want := i >= 2; (len(woken) == 1) != want {
			t.Fatalf("after %d unacked clients woken %v times", i+1, woken)
		}
	}
	if got := f.Unacked(0); got != (scope.Unacked{Analyzed: 5, Connecting: 5, Unacked: 5}) {
		t.Errorf("counted %+v", got)
	}
	if got := f.UnackedRelays(0); !slices.Equal(got, []netip.Addr{netip.MustParseAddr("192.0.2.2")}) {
		t.Errorf("unacked behind %v", got)
	}
	f.SetScope(0, scope.Scope{Mode: scope.Whole, Enabled: true, Epoch: 1})
	if got := f.UnackedRelays(0); got != nil {
		t.Errorf("a new epoch remembers %v", got)
	}
}
