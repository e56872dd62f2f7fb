package ha

import (
	"testing"
	"time"

	"needletail/leases"
)

// A release tells its lease by the client's last transaction time, which is known to
// the second where clocks agree, else to two of them. Our own client's lease does not
// end by one that is older, however little.
func TestEnds(t *testing.T) {
	const far = 25 * time.Second
	for _, c := range []struct {
		name  string
		ahead time.Duration // the partner's clock
		later time.Duration // our lease than the partner's
		ours  bool
		state leases.State // the partner's
		mac   byte         // of its client; ours is 7
		want  bool
	}{
		{"the same lease", 0, 0, true, leases.Released, 7, true},
		{"reclaimed", 0, 0, true, leases.Reclaimed, 7, true},
		{"the next lease", 0, time.Second, false, leases.Released, 7, false},
		{"not ended", 0, 0, true, leases.Active, 7, false},
		{"another client", 0, 0, true, leases.Released, 8, false},
		{"skewed, the same lease", far, 0, true, leases.Released, 7, true},
		{"skewed, the same lease measured later", far, slackMax, false, leases.Released, 7, true},
		{"skewed, too much later", far, slackMax + time.Second, false, leases.Released, 7, false},
		{"skewed, ours is later, perhaps the next one", far, time.Second, true, leases.Released, 7, false},
		{"skewed, ours is earlier", far, -slackMax, true, leases.Released, 7, true},
	} {
		have := leases.Lease{HType: 1, HW: []byte{2, 0, 0, 0, 0, 7}, CLTT: t0, State: leases.Active}
		got := leases.Lease{HType: 1, HW: []byte{2, 0, 0, 0, 0, c.mac}, CLTT: t0.Add(-c.later), State: c.state}
		if ends := (Clock{c.ahead}).Ends(&have, &got, c.ours); ends != c.want {
			t.Errorf("%s: ends %v, want %v", c.name, ends, c.want)
		}
	}
}
