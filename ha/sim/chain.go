package sim

import (
	"time"

	"needletail/ha"
)

// chain does several bad things one after the other, each aimed at what the one
// before has brought about: what single faults would hit once in a million runs.
func (c *Cluster) chain() {
	act := c.active()
	if len(act) < 2 {
		return
	}
	i := c.world.rng.IntN(2)
	s, p := act[i], act[1-i]
	switch c.world.rng.IntN(4) {
	case 0:
		c.oversleep(s)
	case 1:
		c.cutAtWork(s, p)
	case 2:
		c.lastWords(s, p)
	default:
		c.revolve(s, p)
	}
}

// oversleep stops a server with questions in its socket, to which it wakes up
// when the partner has given their addresses to others.
func (c *Cluster) oversleep(s *server) {
	w, r := c.world, s.settings.Response
	w.logf("chain: %s oversleeps", s.name)
	s.stop()
	for _, k := range c.clients {
		k.restart()
	}
	w.after(r+w.between(5*time.Second, 8*time.Second), c.swap)
	w.after(r+w.between(9*time.Second, 12*time.Second), c.swap)
	w.after(r+w.between(10*time.Second, 15*time.Second), s.resume)
}

// cutAtWork cuts the link while addresses change hands, and again before it is
// mended: what is held by the link is old by then.
func (c *Cluster) cutAtWork(s, p *server) {
	w := c.world
	w.logf("chain: the link of %s and %s is cut at work", s.name, p.name)
	c.net.cut[[2]*server{s, p}], c.net.cut[[2]*server{p, s}] = true, true
	c.swap()
	again := w.between(2*time.Second, 6*time.Second)
	w.after(again, c.swap)
	w.after(again+w.between(time.Second, 4*time.Second), func() { c.mendLink(s, p) })
}

// lastWords kills a server whose updates are held by a cut link: they arrive when
// the partner has gone on for long.
func (c *Cluster) lastWords(s, p *server) {
	w, r := c.world, s.settings.Response
	w.logf("chain: last words of %s", s.name)
	c.net.cut[[2]*server{s, p}], c.net.cut[[2]*server{p, s}] = true, true
	c.swap()
	w.after(time.Second, func() { s.killFor(2*r + w.between(20*time.Second, 30*time.Second)) })
	w.after(r+w.between(6*time.Second, 9*time.Second), c.swap)
	w.after(r+w.between(10*time.Second, 14*time.Second), c.swap)
	w.after(r+w.between(15*time.Second, 20*time.Second), func() { c.mendLink(s, p) })
}

// revolve has a server come back to a partner that serves alone, and stops one of
// the two when it is ready; the other one serves alone, and may die.
func (c *Cluster) revolve(s, p *server) {
	w, r := c.world, s.settings.Response
	w.logf("chain: %s comes back", s.name)
	s.killFor(r + w.between(3*time.Second, 6*time.Second))
	w.after(r, func() {
		c.when(func() bool { return s.up && s.state() == ha.Ready }, func() {
			sleeps, other := s, p
			if w.chance(50) {
				sleeps, other = p, s
			}
			sleeps.stop()
			w.after(r+w.between(5*time.Second, 8*time.Second), c.swap)
			end := r + w.between(10*time.Second, 14*time.Second)
			if w.chance(50) {
				w.after(end, func() { other.killFor(w.between(100*time.Millisecond, time.Second)) })
			}
			w.after(end+10*time.Millisecond, sleeps.resume)
		})
	})
}

// when does something once it is due, if that comes within 20 s.
func (c *Cluster) when(due func() bool, do func()) {
	end := c.world.now + 20*time.Second
	var look func()
	look = func() {
		switch {
		case due():
			do()
		case c.world.now < end && c.troubled():
			c.world.after(10*time.Millisecond, look)
		}
	}
	look()
}

// swap has all clients give their addresses up and ask for others, in another
// second: which of two leases of one second is newer, a sync cannot tell.
func (c *Cluster) swap() {
	if !c.troubled() {
		return
	}
	c.world.logf("all clients leave and come back")
	for _, k := range c.clients {
		k.leave()
		c.world.after(c.world.between(time.Second, 1500*time.Millisecond), k.join)
	}
}
