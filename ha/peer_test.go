package ha

import (
	"testing"
	"time"
)

// heartbeats counts how often the fake was asked for its state.
func (k *fakeKea) heartbeats() (n int) {
	for _, name := range k.names() {
		if name == "ha-heartbeat" {
			n++
		}
	}
	return n
}

// Heartbeats wait for nothing, not even when every connection for other
// commands hangs: a partner that answers them is not down.
func TestHeartbeatsWaitForNothing(t *testing.T) {
	n, k := withFakeKea(t)
	k.set(func() { k.hang["lease4-get-page"] = true })
	p := n.links[0].partner
	for range controlConns + 1 {
		go p.ctl.call(command("lease4-get-page", nil), time.Minute)
	}
	waitFor(t, "every connection hangs", func() bool { return p.ctl.http.ConnsCount() == controlConns })
	before := k.heartbeats()
	waitFor(t, "heartbeats go on", func() bool { return k.heartbeats() > before+5 })
	if s := n.status(0); s.State != LoadBalancing || s.Interrupted {
		t.Errorf("%s, interrupted %v", s.State, s.Interrupted)
	}
}
