package e2eha

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// journal is what clients were promised. Two servers together may promise an
// address to one client at a time. Its owner is a swarm, under whose lock it
// is.
type journal struct {
	t    *testing.T
	held map[netip.Addr]promise
	acks int
}

// promise is an ACK that reached a client.
type promise struct {
	who   *client
	until time.Time // no earlier
}

func (j *journal) open(t *testing.T) { j.t, j.held = t, map[netip.Addr]promise{} }

// promise notes an ACK, and fails the test if the address is another client's.
func (j *journal) promise(a netip.Addr, c *client, until time.Time) {
	j.acks++
	if p, ok := j.held[a]; ok && p.who != c && time.Now().Before(p.until) {
		j.t.Errorf("%v was promised to %v while %v has it for %v more", a, c.hw, p.who.hw, time.Until(p.until))
	}
	j.held[a] = promise{c, until}
}

// end notes that a client no longer has an address.
func (j *journal) end(a netip.Addr, c *client) {
	if j.held[a].who == c {
		delete(j.held, a)
	}
}

// kept checks that a server knows every promise that is in force.
func (w *swarm) kept(m *member) {
	w.t.Helper()
	missing := w.unknown(m)
	for _, what := range missing[:min(3, len(missing))] {
		w.t.Error(what)
	}
	if len(missing) > 0 {
		w.t.Errorf("%s lacks %d of %d promises", m.name, len(missing), len(w.journal.held))
	}
}

// told waits until a server knows every promise in force. A backup is told
// without anybody waiting for it, so what its primary had not sent when it was
// killed is lost to the backup until the next renewal, as with Kea.
func (w *swarm) told(m *member) {
	w.t.Helper()
	waitFor(w.t, m.name+" to know every lease", func() bool { return len(w.unknown(m)) == 0 })
}

// unknown says of each promise in force that a server does not know.
func (w *swarm) unknown(m *member) (missing []string) {
	table := m.leases()
	w.mu.Lock()
	defer w.mu.Unlock()
	for a, p := range w.journal.held {
		l, ok := table[a]
		if time.Now().After(p.until) || ok && l.HW == p.who.hw.String() && l.State == 0 {
			continue
		}
		missing = append(missing, fmt.Sprintf("%s does not know that %v has %v: %+v", m.name, p.who.hw, a, l))
	}
	return missing
}
