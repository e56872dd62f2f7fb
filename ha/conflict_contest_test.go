package ha

import (
	"testing"
	"time"

	"needletail/leases"
)

// Of two servers that gave one address away in the same moment, exactly one
// refuses the other's update, whichever lease looks newer.
func TestContestHasOneWinner(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	lease := func(id string, cltt time.Time) *leases.Lease {
		return &leases.Lease{ClientID: []byte(id), CLTT: cltt, ValidLft: 3600}
	}
	for _, later := range []time.Duration{-2 * time.Second, 0, 2 * time.Second} {
		first, second := lease("a", now), lease("b", now.Add(later))
		if !Contest(LoadBalancing, true, first, second, now) {
			t.Errorf("%v later: the first server lets its address go", later)
		}
	}
	if Contest(LoadBalancing, false, lease("b", now), lease("a", now), now) {
		t.Error("the second server does not yield")
	}
	old := now.Add(-time.Minute)
	if Contest(LoadBalancing, true, lease("a", old), lease("b", now), now) {
		t.Error("a lease of a minute ago is no contest: the partner knows better")
	}
	if Contest(LoadBalancing, true, lease("a", now), lease("a", now), now) {
		t.Error("a client's own renewal is refused")
	}
	for age, want := range map[time.Duration]bool{time.Second: false, time.Minute: true} {
		if got := Contest(LoadBalancing, false, lease("a", now), lease("a", now.Add(-age)), now); got != want {
			t.Errorf("a renewal of %s ago is refused: %v", age, got)
		}
	}
}
