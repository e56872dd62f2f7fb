package e2eha

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A RELEASE, a DECLINE and a renewal wait in the socket of a server that is
// stopped, while its partner takes over and gives their clients the addresses
// anew. When it goes on it must not take them for new: they are counted and
// dropped, and both servers know the leases that the partner gave.
func TestWhatWaitedInTheSocket(t *testing.T) {
	for _, fast := range []string{"off", "auto"} {
		t.Run("xdp-"+fast, func(t *testing.T) {
			long(t)
			p := newPair(t, setup{fast: fast})
			theirs := owned(1, 40)
			p.w.these("both are up", theirs)
			p.b.stand()
			for _, n := range theirs[:20] {
				p.w.release(n)
			}
			for _, n := range theirs[20:30] {
				p.w.decline(n)
			}
			p.w.start(theirs[30:])
			p.a.reach("partner-down")
			p.w.these("they come again", theirs)
			must(t, p.b.Signal(syscall.SIGCONT))
			reach(p.normal, p.a, p.b)
			if n := p.b.statistic("pkt4-silence-server-stopped"); n < 40 {
				t.Errorf("%d queries are counted as those that waited, want 40 or more", n)
			}
			p.checked(40)
			p.w.these("renewals", theirs)
			p.checked(40)
		})
	}
}

// stand stops the server and waits until all its threads are: a signal is not
// there at once, and what a server answers before it stops has not waited.
func (m *member) stand() {
	m.t.Helper()
	must(m.t, m.Signal(syscall.SIGSTOP))
	waitFor(m.t, m.name+" to be stopped", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", m.PID()))
		must(m.t, err)
		return !slices.ContainsFunc(threads, func(file string) bool {
			text, _ := os.ReadFile(file)
			return !strings.Contains(string(text), ") T ") // proc(5): the state follows the name
		})
	})
}

// statistic is the value of a counter.
func (m *member) statistic(name string) (n int) {
	m.t.Helper()
	text := string(m.ask("statistic-get", `{"name":"`+name+`"}`).Arguments)
	_, value, _ := strings.Cut(text, "[[")
	value, _, _ = strings.Cut(value, ",")
	if err := json.Unmarshal([]byte(strings.TrimSpace(value)), &n); err != nil {
		m.t.Errorf("statistic %s: %q", name, text)
	}
	return n
}
