package ha

import (
	"net/netip"
	"testing"
	"time"

	"needletail/leases"
)

// A release that was on its way while its client came again does not end the
// new lease, whether it comes from a needletail or from a Kea.
func TestReleaseComesTooLate(t *testing.T) {
	now := time.Unix(time.Now().Unix(), 0)
	at := func(client byte, age time.Duration, st leases.State) *leases.Lease {
		return &leases.Lease{Addr: netip.MustParseAddr("192.0.2.20"), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, client}, CLTT: now.Add(-age), ValidLft: 600, State: st}
	}
	held := at(7, time.Minute, leases.Active)
	for _, c := range []struct {
		name      string
		have, got *leases.Lease
		clock     Clock
		want      bool
	}{
		{"of an earlier lease", held, at(7, time.Minute+time.Second, leases.Released), Clock{}, true},
		{"of this lease", held, at(7, time.Minute, leases.Released), Clock{}, false},
		{"of this lease, told by a skewed clock", held, at(7, time.Minute+time.Second, leases.Released), Clock{time.Minute}, false},
		{"another client's", held, at(8, time.Hour, leases.Released), Clock{}, false},
		{"what we have is over", at(7, time.Hour, leases.Active), at(7, 2*time.Hour, leases.Released), Clock{}, false},
		{"there is nothing", nil, at(7, time.Hour, leases.Released), Clock{}, false},
		{"no release", held, at(7, time.Hour, leases.Active), Clock{}, false},
	} {
		if got := Outlived(c.have, c.got, c.clock, now); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}

	n := startNode(t, pairConfig("server1", "hot-standby", freePort(t), freePort(t)))
	n.links[0].see(0, true)
	send := func(l *leases.Lease) {
		t.Helper()
		if a := n.apply(t, "server2", now, l); a.Result != 0 {
			t.Fatal(a)
		}
	}
	for _, c := range []struct {
		release *leases.Lease
		want    leases.State
	}{
		{at(7, time.Hour, leases.Released), leases.Active},
		{at(7, time.Minute, leases.Released), leases.Released},
	} {
		send(held)
		send(c.release)
		if got, _ := n.store.Get(held.Addr); got.State != c.want {
			t.Errorf("after a release of a lease from %v: %v, want %v", c.release.CLTT, got.State, c.want)
		}
	}
}
