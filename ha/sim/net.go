package sim

import "time"

// network is the links between servers, each direction on its own, and how bad
// they are.
type network struct {
	cut   map[[2]*server]bool          // from, to: nothing passes
	held  map[[2]*server][]func()      // from, to: requests that arrive when the cut is mended
	bad   map[[2]*server]time.Duration // from, to: when a message was last lost
	loss  float64                      // percent of messages lost
	twice float64                      // percent of requests whose connection breaks before the answer: sent, and perhaps served, again
	slow  time.Duration                // a message takes up to this
}

// passes reports whether the link between two servers is whole.
func (n *network) passes(a, b *server) bool {
	return !n.cut[[2]*server{a, b}] && !n.cut[[2]*server{b, a}]
}

// good reports whether no message between two servers has been lost since.
func (n *network) good(a, b *server, since time.Duration) bool {
	return n.passes(a, b) && n.bad[[2]*server{a, b}] <= since && n.bad[[2]*server{b, a}] <= since
}

func (c *Cluster) lost(from, to *server) bool {
	lost := c.net.cut[[2]*server{from, to}] || c.world.chance(c.net.loss)
	if lost {
		c.net.bad[[2]*server{from, to}] = c.world.now
	}
	return lost
}

// call sends a request and calls done exactly once, with the answer or an
// error text, unless the caller dies before. serve runs at the receiver and
// answers by calling reply, now or later. A stopped process receives when it
// goes on: later than the caller waits. Who sends a request again has had no answer
// to the first (retryOnce of the original), though it may have been served.
func (c *Cluster) call(from, to *server, timeout time.Duration, serve func(reply func(any)), done func(answer any, err string)) {
	life, over := from.life, false
	finish := func(answer any, err string) {
		if over || from.life != life || !from.up {
			return
		}
		over = true
		from.awake(func() { done(answer, err) })
	}
	c.world.after(timeout, func() { finish(nil, "timeout") })
	// heard tells whether the caller still listens on the connection of this copy.
	deliver := func(heard bool) {
		if !to.up {
			if !c.lost(to, from) {
				c.world.after(c.delay(), func() { finish(nil, "connection refused") })
			}
			return
		}
		to.awake(func() {
			serve(func(answer any) {
				if !c.lost(to, from) && heard {
					c.world.after(c.delay(), func() { finish(answer, "") })
				}
			})
		})
	}
	if c.lost(from, to) {
		c.hold(from, to, func() { deliver(true) })
		return
	}
	twice := c.world.chance(c.net.twice)
	c.world.after(c.delay(), func() { deliver(!twice) })
	if twice {
		c.world.after(c.delay()+c.delay(), func() { deliver(true) })
	}
}

// hold keeps a request that was sent over a cut link, as TCP does: it arrives
// when the link is whole, long after its sender has given up, or has died. Only
// between needletails: a deletion of Kea's tells no time, by which one that comes
// late is known.
func (c *Cluster) hold(from, to *server, deliver func()) {
	way := [2]*server{from, to}
	if c.Chained && c.Stream && c.net.cut[way] && c.world.chance(50) {
		c.net.held[way] = append(c.net.held[way], deliver)
	}
}

// mendLink ends a cut, both directions.
func (c *Cluster) mendLink(a, b *server) {
	for _, way := range [][2]*server{{a, b}, {b, a}} {
		c.net.cut[way] = false
		for _, deliver := range c.net.held[way] {
			c.world.after(c.world.between(0, retransmit), deliver)
		}
		delete(c.net.held, way)
	}
}

// retransmit is how long TCP may wait before it tries again.
const retransmit = 3 * time.Second

func (c *Cluster) delay() time.Duration { return c.world.between(50*time.Microsecond, c.net.slow) }
