package server

import "testing"

// A small server collects as Go does, a large one when 24 MB or a fifth of what is
// alive has gathered.
func TestGarbagePercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 10 << 20: 100, 24 << 20: 100, 48 << 20: 50, 100 << 20: 24, 1 << 30: 20} {
		if got := garbagePercent(live); got != want {
			t.Errorf("%d MiB alive: %d %%, want %d", live>>20, got, want)
		}
	}
}
