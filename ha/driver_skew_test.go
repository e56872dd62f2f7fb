package ha

import (
	"testing"
	"time"
)

// Times of a partner whose clock differs are put on ours; the second that a
// measurement may be off is left alone.
func TestOurs(t *testing.T) {
	for by, want := range map[time.Duration]time.Duration{
		0: 0, time.Second: 0, -time.Second: 0, 2 * time.Second: -2 * time.Second, -40 * time.Second: 40 * time.Second,
	} {
		var l link
		l.skew.Store(int64(by))
		if got := l.ours(t0).Sub(t0); got != want {
			t.Errorf("skew %s: moved by %s, want %s", by, got, want)
		}
	}
}
