package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"needletail/ha"
	"needletail/internal/rfc3074"
)

// Result of a run.
type Result struct {
	Seed    uint64
	Broken  []string // invariants, in order; empty: all held
	Splits  int      // times two servers served the same buckets
	Excused int      // double promises that Kea's protocol cannot prevent
	Acks    int      // promises made
	trace   []line   // the last things that happened
}

// Phases of a run.
const (
	quiet   = 20 * time.Second  // to start
	trouble = 300 * time.Second // faults
	calm    = 120 * time.Second // without faults, to become normal
)

// Run lets one seed happen.
func Run(o Options) Result {
	all := New(o)
	w := all[0].world
	for _, c := range all {
		c.begin()
	}
	w.runUntil(quiet + trouble)
	for _, c := range all {
		c.mend()
	}
	// An operator looks after what Kea leaves to him.
	for range 6 {
		w.runUntil(w.now + calm/6)
		for _, c := range all {
			c.operate()
		}
	}
	life := all[0].Lifetime
	for _, c := range all {
		life = max(life, c.Lifetime)
	}
	w.runUntil(w.now + life + 30*time.Second)
	r := Result{Seed: o.Seed}
	for _, c := range all {
		c.finish()
		r.Broken = append(r.Broken, c.broken...)
		r.Splits, r.Excused, r.Acks = r.Splits+c.splits, r.Excused+c.excuses, r.Acks+c.acks
	}
	r.trace = w.trace
	return r
}

// begin sets servers, clients and faults going.
func (c *Cluster) begin() {
	w := c.world
	for _, s := range c.servers {
		w.after(w.between(0, 2*time.Second), func() {
			if !s.up { // a hub starts once
				s.start()
			}
		})
	}
	for _, k := range c.clients {
		w.after(w.between(5*time.Second, quiet+trouble/4), k.join)
		c.habits(k)
	}
	w.after(quiet, c.fault)
	w.after(0, c.watch)
	if c.Busy {
		w.after(quiet+trouble, c.clients[0].hurry)
		w.after(quiet+trouble+calm/12, func() { c.servers[w.rng.IntN(2)].killFor(calm / 6) })
	}
}

func (c *Cluster) troubled() bool { return c.world.now < quiet+trouble }

// habits of a client: it releases, leaves, comes back, restarts.
func (c *Cluster) habits(k *client) {
	w := c.world
	w.after(w.between(10*time.Second, 60*time.Second), func() {
		if !c.troubled() {
			k.join()
			return
		}
		switch w.rng.IntN(6) {
		case 0:
			k.leave()
		case 1:
			k.restart()
		case 2:
			k.decline()
		default:
			k.join()
		}
		c.habits(k)
	})
}

// fault does something bad, undoes it after a while, and comes back.
func (c *Cluster) fault() {
	w := c.world
	if !c.troubled() {
		return
	}
	w.after(w.between(time.Second, 30*time.Second), c.fault)
	if c.Chained && w.chance(40) {
		c.chain()
		return
	}
	s := c.servers[w.rng.IntN(len(c.servers))]
	long := w.between(100*time.Millisecond, 4*s.settings.Response)
	switch n := w.rng.IntN(12); {
	case n >= 11:
		c.blackout()
	case n >= 10 && !c.Gentle:
		s.doomed = true
	case n < 4 && !c.Gentle:
		s.killFor(long)
	case n < 5:
		c.maintain(s, long)
	case n < 6:
		s.ask(func(t uint64) ha.Input { return ha.Reset{Token: t} }, func(ha.Answer) {})
	case !c.Harsh:
	case n < 8:
		c.cutLink(s, long)
	case n < 9:
		if s.up && !s.stopped {
			s.stop()
			w.after(long, s.resume)
		}
	default:
		w.logf("clients do not reach %s", s.name)
		s.deaf = true
		w.after(long, func() { s.deaf = false })
	}
}

// killFor kills a server and starts it again after a while.
func (s *server) killFor(long time.Duration) {
	if !s.up {
		return
	}
	s.kill()
	s.c.world.after(long, func() {
		if !s.up {
			s.start()
		}
	})
}

// doom kills a doomed server in the middle of a commit or of a lease update it
// receives, at any step; half the time its partner dies soon after and comes
// back later, so that what one of them alone knew is missed.
func (s *server) doom() {
	if !s.doomed || !s.c.troubled() {
		return
	}
	s.doomed = false
	life, w, p := s.life, s.c.world, s.partner()
	w.after(w.between(0, s.c.DiskTime+2*s.c.net.slow), func() {
		if s.life != life {
			return
		}
		s.killFor(w.between(100*time.Millisecond, 4*s.settings.Response))
		if p != nil && w.chance(50) {
			w.after(w.between(0, time.Second), func() { p.killFor(w.between(s.settings.Response, 12*s.settings.Response)) })
		}
	})
}

// blackout makes all clients lose their memory and ask at the same time: most
// contention for addresses.
func (c *Cluster) blackout() {
	c.world.logf("all clients lose power")
	for _, k := range c.clients {
		k.want, k.until = false, 0
		k.xid++
		c.world.after(c.world.between(0, 50*time.Millisecond), k.join)
	}
}

// cutLink cuts between a server and another one, one direction or both.
func (c *Cluster) cutLink(s *server, long time.Duration) {
	w := c.world
	p := c.servers[w.rng.IntN(len(c.servers))]
	if p == s {
		return
	}
	both := w.chance(70)
	w.logf("link %s to %s is cut, both ways %v", s.name, p.name, both)
	c.net.cut[[2]*server{s, p}] = true
	c.net.cut[[2]*server{p, s}] = both
	w.after(long, func() {
		w.logf("link %s to %s is mended", s.name, p.name)
		c.mendLink(s, p)
	})
}

// maintain starts maintenance and cancels it. Starting it without reaching the
// partner means partner-down (Kea); an operator does that to a partner that is
// off, not to one behind a cut link.
func (c *Cluster) maintain(s *server, long time.Duration) {
	p := s.partner()
	if !s.up || s.stopped || p == nil || p.stopped || !c.net.passes(s, p) {
		return
	}
	c.world.logf("maintenance of %s", p.name)
	s.ask(func(t uint64) ha.Input { return ha.MaintenanceStart{Token: t} }, func(ha.Answer) {})
	c.world.after(long, func() { c.cancel(s) })
}

func (c *Cluster) cancel(s *server) {
	if s.up && !s.stopped && s.state() == ha.PartnerInMaintenance {
		c.world.logf("end of maintenance")
		s.ask(func(t uint64) ha.Input { return ha.MaintenanceCancel{Token: t} }, func(ha.Answer) {})
	}
}

// mend ends all faults.
func (c *Cluster) mend() {
	c.world.logf("--- faults are over")
	c.net.loss, c.net.twice, c.clientLoss = 0, 0, 0
	for i, s := range c.servers {
		for _, p := range c.servers[:i] {
			c.mendLink(s, p)
		}
		s.deaf = false
		s.resume()
		if !s.up {
			s.start()
		}
	}
}

// operate does what states without a way out of their own ask of an operator.
func (c *Cluster) operate() {
	for _, s := range c.servers {
		p := s.partner()
		switch s.state() {
		case ha.PartnerInMaintenance:
			c.cancel(s)
		case ha.InMaintenance:
			if p.state() != ha.PartnerInMaintenance {
				s.ask(func(t uint64) ha.Input { return ha.Reset{Token: t} }, func(ha.Answer) {})
			}
		}
	}
}

// finish checks Alive and Kept.
func (c *Cluster) finish() {
	var served rfc3074.Buckets
	for _, s := range c.active() {
		want := map[ha.Mode]ha.State{ha.ModeLoadBalancing: ha.LoadBalancing, ha.ModeHotStandby: ha.HotStandby, ha.ModePassiveBackup: ha.PassiveBackup}[c.Mode]
		if s.state() != want {
			c.breaks("Alive: %s ends in %s", s.name, s.state())
		}
		served = served.Or(s.serves())
	}
	if served != rfc3074.All {
		c.breaks("Alive: only %d buckets are served", served.Count())
	}
	for _, k := range c.clients {
		if !k.holds() {
			c.breaks("Alive: %s has no lease", k.id)
			continue
		}
		c.kept(k)
	}
}

// kept checks that every server that has to know a promise knows it.
func (c *Cluster) kept(k *client) {
	if c.tainted[k.addr] > c.world.now {
		return
	}
	know := slices.Clone(c.active())
	if c.Mode == ha.ModePassiveBackup {
		know = c.servers
	}
	for _, s := range know {
		if l, ok := s.live.leases[k.addr]; !ok || string(l.ClientID) != k.id || !held(l, s.clock()) {
			c.breaks("Kept: %s does not know that %s is promised to %s (has %v for %s)", s.name, k.addr, k.id, l.State, l.ClientID)
		}
	}
}

// watch checks Kept every second in which both servers are in the normal state.
// A lease that ends in a moment is not asked for: the two count in seconds.
func (c *Cluster) watch() {
	c.world.after(time.Second, c.watch)
	act := c.active()
	if len(act) < 2 || !c.normal() {
		return
	}
	for _, k := range c.clients {
		if k.until > c.world.now+2*grace && act[0].busy[k.addr]+act[1].busy[k.addr] == 0 {
			c.kept(k)
		}
	}
}

// dead checks Dead for a lease that a sync has brought.
func (c *Cluster) dead(s *server, u *ha.Update) {
	if at, gone := s.graves[u.Lease.Addr]; gone && !u.Delete && ha.Buried(&u.Lease, at) {
		c.breaks("Dead: %s has deleted the lease of %s, and a sync brought it back for %s", s.name, u.Lease.Addr, u.Lease.ClientID)
	}
}

// Until tells a reader what happened in the n lines up to the first broken
// invariant, or to the end.
func (r Result) Until(n int) string {
	end := slices.IndexFunc(r.trace, func(l line) bool { return strings.HasPrefix(l.format, broken) }) + 1
	if end == 0 {
		end = len(r.trace)
	}
	var text strings.Builder
	for _, l := range r.trace[max(0, end-n):end] {
		fmt.Fprintln(&text, l)
	}
	return text.String()
}
