package ha

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"needletail/leases"
)

// A Kea's late update or deletion does not take an address from a client that
// has it from us; what comes in time is taken as Kea takes it.
func TestKeaComesLate(t *testing.T) {
	n, _ := withFakeKea(t)
	hw := func(c byte) []byte { return []byte{2, 0, 0, 0, 0, c} }
	put := func(c byte, age time.Duration) {
		t.Helper()
		var b leases.Batch
		l := leases.Lease{Addr: netip.MustParseAddr("192.0.2.30"), SubnetID: 1, HType: 1, HW: hw(c), CLTT: time.Now().Add(-age), ValidLft: 600}
		if _, err := n.store.Put(&b, &l); err != nil {
			t.Fatal(err)
		}
		if err := n.store.Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	tell := func(command string, c byte, age time.Duration) int {
		return n.ask(t, command, arguments{"ip-address": "192.0.2.30", "subnet-id": 1, "hw-address": fmt.Sprintf("02:00:00:00:00:%02x", c),
			"valid-lft": 600, "expire": time.Now().Add(600*time.Second - age).Unix(), "force-create": true, "origin": "ha-partner"}).Result
	}
	for _, c := range []struct {
		name     string
		held     time.Duration // age of client 1's lease
		command  string
		client   byte
		age      time.Duration
		want     int
		answered byte
	}{
		{"another client's, older than ours", time.Minute, "lease4-update", 2, 2 * time.Minute, 4, 1},
		{"another client's, newer", time.Minute, "lease4-update", 2, 0, 0, 2},
		{"another client's, ours has ended", time.Hour, "lease4-update", 2, 2 * time.Hour, 0, 2},
		{"the same client's, older", time.Minute, "lease4-update", 1, 5 * time.Minute, 0, 1},
		{"a deletion of a former client's", time.Minute, "lease4-del", 2, 2 * time.Minute, 3, 1},
		{"a deletion of this client's", time.Minute, "lease4-del", 1, time.Minute, 0, 0},
		{"a deletion of its former lease", time.Minute, "lease4-del", 1, 2 * time.Minute, 3, 1},
	} {
		put(1, c.held)
		if got := tell(c.command, c.client, c.age); got != c.want {
			t.Errorf("%s: result %d, want %d", c.name, got, c.want)
		}
		l, ok := n.store.Get(netip.MustParseAddr("192.0.2.30"))
		if ok != (c.answered != 0) || ok && l.HW[5] != c.answered {
			t.Errorf("%s: the address is %x's (%v)", c.name, l.HW, ok)
		}
	}
	n.links[0].policy.Store(&Policy{Partner: Count, Alone: true}) // as in partner-down
	put(1, time.Minute)
	if got := tell("lease4-update", 2, 0); got != 4 {
		t.Errorf("serving alone: result %d, want 4", got)
	}
}

// A needletail's deletion is too late once we have given the address away.
func TestDeletionOvertaken(t *testing.T) {
	now := time.Unix(1795289685, 0)
	l := leases.Lease{CLTT: now.Add(-time.Minute), ValidLft: 600, State: leases.Active}
	for at, want := range map[time.Duration]bool{-2 * time.Minute: true, -time.Minute: false, 0: false} {
		for _, ours := range []bool{true, false} {
			if got := Overtaken(&l, ours, now.Add(at), Clock{}, now); got != want {
				t.Errorf("deleted %s from now: overtaken %v, want %v", at, got, want)
			}
		}
	}
	second := now.Add(-time.Minute - time.Second)
	for ahead, want := range map[time.Duration]bool{0: true, -skewNoise: true, time.Minute: false} {
		if !Overtaken(&l, true, second, Clock{ahead}, now) || Overtaken(&l, false, second, Clock{ahead}, now) != want {
			t.Errorf("clock %s ahead: a second before the lease counts if we gave it, or if clocks agree", ahead)
		}
	}
	for ahead, want := range map[time.Duration]bool{0: false, skewNoise: false, -time.Minute: true} {
		if got := Overtaken(&l, true, l.CLTT.Add(slackMax-time.Second), Clock{ahead}, now); got != want {
			t.Errorf("a second after the lease by a clock that is %s ahead: overtaken %v, want %v", ahead, got, want)
		}
	}
	if l.State = leases.Released; Overtaken(&l, true, now.Add(-time.Hour), Clock{}, now) {
		t.Error("a released lease keeps a deletion away")
	}
}

// Of two updates of one client's lease the later one stands, whichever comes
// last: a Kea sends over several connections at a time. One older by more than an
// update can be on its way is taken, for the Kea's clock was set back.
func TestKeaOvertakesItself(t *testing.T) {
	n, _ := withFakeKea(t)
	start := time.Now().Truncate(time.Second)
	for _, c := range []struct {
		name     string
		age      time.Duration
		by       string
		answered time.Duration // age of the lease then
	}{
		{"the first", 2 * time.Second, "ha-partner", 2 * time.Second},
		{"the next", time.Second, "ha-partner", time.Second},
		{"the first comes last", 2 * time.Second, "ha-partner", time.Second},
		{"by hand", 2 * time.Second, "user", 2 * time.Second},
		{"after a minute's sleep", time.Minute, "ha-partner", 2 * time.Second},
		{"from before our own query's", 4 * time.Second, "ha-partner", 0},
		{"by a clock that is wrong", -time.Hour, "ha-partner", -time.Hour},
		{"by the same, set right", time.Second, "ha-partner", time.Second},
	} {
		if c.answered == 0 {
			n.grant(netip.MustParseAddr("192.0.2.30"), start, 1)
		}
		out := n.ask(t, "lease4-update", arguments{"ip-address": "192.0.2.30", "subnet-id": 1, "hw-address": "02:00:00:00:00:01",
			"valid-lft": 600, "expire": start.Add(600*time.Second - c.age).Unix(), "force-create": true, "origin": c.by})
		l, _ := n.store.Get(netip.MustParseAddr("192.0.2.30"))
		if age := start.Sub(l.CLTT); out.Result != 0 || age != c.answered {
			t.Errorf("%s: result %d (%s), the lease is %v old, want 0 and %v", c.name, out.Result, out.Text, age, c.answered)
		}
	}
}
