package e2eha

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// A needletail and a real Kea serve as one, in either seat and both modes: they
// find each other, both serve, know the same leases, and either takes over when
// the other is killed.
func TestPairWithKea(t *testing.T) {
	for _, mode := range []string{"load-balancing", "hot-standby"} {
		for _, kea := range []int{2, 1} {
			fast := map[int]string{2: "auto", 1: "off"}[kea]
			t.Run(fmt.Sprintf("%s/kea-is-server%d", mode, kea), func(t *testing.T) {
				long(t)
				playPair(t, setup{mode: mode, kea: []int{kea}, fast: fast})
			})
		}
	}
}

// The same with a single-threaded Kea, whose partner speaks to a kea-ctrl-agent.
func TestPairBehindControlAgent(t *testing.T) {
	long(t)
	playPair(t, setup{kea: []int{2}, agent: true})
}

// A single-threaded needletail has no dedicated listener: its partner, a Kea or
// another such needletail, comes by its HTTP control socket.
func TestPairByControlSocket(t *testing.T) {
	for name, kea := range map[string][]int{"beside-kea": {2}, "two-needletails": nil} {
		t.Run(name, func(t *testing.T) {
			long(t)
			p := newPair(t, setup{single: true, kea: kea})
			p.w.all("normal operation", 0, 100)
			p.balanced(100)
			hears(p.w.release(0), p.w.decline(1), p.a, p.b)
			same(t, p.a, p.b, 99)
			p.failover(p.b, p.a, 100)
			p.promised()
		})
	}
}

// Two needletails do the same.
func TestPairOfNeedletails(t *testing.T) {
	for _, mode := range []string{"load-balancing", "hot-standby"} {
		t.Run(mode, func(t *testing.T) {
			long(t)
			playPair(t, setup{mode: mode, fast: "auto"})
		})
	}
}

// pair is two servers in their normal state, and clients.
type pair struct {
	*site
	a, b   *member
	w      *swarm
	normal string
}

func newPair(t *testing.T, o setup) *pair {
	t.Helper()
	s := newSite(t)
	p := &pair{site: s, a: s.add(1, o), b: s.add(2, o), normal: "load-balancing"}
	if o.mode != "" {
		p.normal = o.mode
	}
	p.a.start()
	p.b.start()
	p.w = s.swarm()
	if o.agent { // slow: clients in a hurry would only have updates wait for each other
		p.w.retry = time.Second
	}
	reach(p.normal, p.a, p.b)
	return p
}

func playPair(t *testing.T, o setup) {
	p := newPair(t, o)
	p.w.all("normal operation", 0, 200)
	p.balanced(200)
	same(t, p.a, p.b, 200)
	p.w.all("renewals", 0, 100)
	p.travel()
	p.maintenance()
	p.failover(p.b, p.a, 200)
	p.failover(p.a, p.b, 400)
	p.promised()
}

// balanced checks who has answered n clients.
func (p *pair) balanced(n int) {
	p.t.Helper()
	by := p.w.by()
	one, two := by["192.0.2.1"], by["192.0.2.2"]
	p.t.Logf("%d clients: %d answered by server1, %d by server2", n, one, two)
	if p.normal == "hot-standby" && two > 0 {
		p.t.Errorf("the standby answered %d clients", two)
	}
	if p.normal == "load-balancing" && (one < n/4 || two < n/4) {
		p.t.Errorf("the clients are not split: %d and %d of %d", one, two, n)
	}
}

// travel has clients release and decline at both servers.
func (p *pair) travel() {
	p.t.Helper()
	for n := range 10 {
		hears(p.w.release(n), p.w.decline(10+n), p.a, p.b)
	}
	same(p.t, p.a, p.b, 190)
}

// hears waits until servers know of a release and a decline.
func hears(released, declined netip.Addr, all ...*member) {
	for _, m := range all {
		m.t.Helper()
		waitFor(m.t, fmt.Sprintf("%s to hear of the release of %v", m.name, released), func() bool {
			l, ok := m.leases()[released]
			return !ok || l.State > 1
		})
		waitFor(m.t, fmt.Sprintf("%s to hear of the decline of %v", m.name, declined), func() bool {
			return m.leases()[declined].State == 1
		})
	}
}

// maintenance goes one server's way and back, then the other's.
func (p *pair) maintenance() {
	p.t.Helper()
	for i, m := range []*member{p.a, p.b} {
		other := []*member{p.b, p.a}[i]
		m.do("ha-maintenance-start", "")
		m.reach("partner-in-maintenance")
		other.reach("in-maintenance")
		p.w.by()
		p.w.all("maintenance of "+other.name, 100, 150)
		if by := p.w.by(); len(by) != 1 {
			p.t.Errorf("in maintenance clients were answered by %v", by)
		}
		m.do("ha-maintenance-cancel", "")
		waitFor(p.t, "the normal state after maintenance of "+other.name, func() bool {
			// A Kea 2.2 that has cancelled believes its partner in maintenance until
			// its next heartbeat; what runs its machine before begins it again, on
			// either side. One whose partner cancels does the same, if a heartbeat's
			// answer crosses it.
			for _, one := range []*member{m, other} {
				if (m.kea || other.kea) && one.state(0) == "partner-in-maintenance" {
					one.ask("ha-maintenance-cancel", "")
				}
			}
			return m.state(0) == p.normal && other.state(0) == p.normal
		})
	}
}

// failover kills a server, has its partner serve all old clients and a hundred
// new ones, and has it come back.
func (p *pair) failover(dies, stays *member, first int) {
	p.t.Helper()
	dies.Kill()
	stays.reach("partner-down")
	p.w.by()
	p.w.all(dies.name+" is dead: renewals", 100, first)
	p.w.all(dies.name+" is dead: new clients", first, first+100)
	if by := p.w.by(); len(by) != 1 {
		p.t.Errorf("with %s dead clients were answered by %v", dies.name, by)
	}
	dies.start()
	reach(p.normal, dies, stays)
	same(p.t, p.a, p.b, first)
	p.w.all(dies.name+" is back", first+100, first+200)
	same(p.t, p.a, p.b, first+100)
}
