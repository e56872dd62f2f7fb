package ha

import (
	"time"

	"needletail/internal/config"
	"needletail/leases"
)

const (
	// parkedHardMax bounds the queries held for a partner where
	// parked-packet-limit is 0, Kea's "no limit": memory has one.
	parkedHardMax = 1 << 17
	// parkedUsual bounds them where the configuration says nothing: half of what one
	// worker may have in flight. Kea's 256 would not do: with an answer every 10 ms it
	// is 25,600 queries a second, and a pause of 50 ms at a fifth of that costs clients
	// their answers. At such rates a pair on two processors pauses for 200 ms.
	parkedUsual = 8192
)

// parkedMax is the bound for each relationship. They share the usual one: a
// partner that hangs must not take all that workers may have in flight.
func parkedMax(c *config.Dhcp4) int64 {
	switch {
	case !c.ParkedGiven:
		return int64(max(c.ParkedPacketLimit, parkedUsual/len(c.HA)))
	case c.ParkedPacketLimit == 0:
		return parkedHardMax
	}
	return int64(c.ParkedPacketLimit)
}

// Replicate sends b's changes to the partners and holds the replies that must
// wait for them; it satisfies the Replicator of package slowpath. It returns
// false if nothing is awaited. Else done is called exactly once, from any
// goroutine (even before Replicate returns), after the queries whose reply must
// not leave were refused on b. It never waits for the network.
func (d *Driver) Replicate(b *leases.Batch, done func(*leases.Batch)) bool {
	queries := b.Queries()
	f := newFlight(b, len(queries), done)
	changes, awaited := b.Changes(), false
	for i := range queries {
		q := &queries[i]
		if q.N == 0 || int(q.Relationship) >= len(d.links) {
			continue
		}
		if d.links[q.Relationship].replicate(f, i, changes[q.First:q.First+q.N]) {
			awaited = true
		}
	}
	if !awaited {
		f.batch, f.done = nil, nil
		flights.Put(f)
		return false
	}
	f.finish()
	return true
}

// replicate sends one query's changes as the present policy wants, and tells
// whether the reply waits for it. Deleted leases come first in a batch, then
// new ones: each peer's lanes keep that order for an address.
func (l *link) replicate(f *flight, q int, cs []leases.Change) bool {
	p := *l.policy.Load()
	if p.Partner == Queue && l.queue(cs) {
		p.Partner = Ignore
	} else if p.Partner == Queue {
		p = l.afterQueue()
	}
	switch p.Partner {
	case Count:
		l.machine.Unsent(l.index).Add(1)
	case Refuse:
		f.refuse(q)
		return true
	}
	awaited := 0
	for _, to := range l.peers {
		if l.waits(to, p) {
			awaited += len(cs)
		}
	}
	if awaited > 0 && !l.park(f, q, awaited) {
		return true
	}
	for i := range cs {
		lease := cs[i].Lease()
		for _, to := range l.peers {
			l.send(to, p, &lease, &cs[i], ticket{f, q})
		}
	}
	return awaited > 0
}

// waits tells whether a reply waits for a peer's answer.
func (l *link) waits(to *peer, p Policy) bool {
	if to.backup {
		return p.Backups && p.Wait
	}
	return p.Partner == Send && to == l.partner
}

// send hands a change to a peer's lane. An awaited change that the lane does
// not take counts as failed.
func (l *link) send(to *peer, p Policy, lease *leases.Lease, c *leases.Change, t ticket) {
	switch {
	case l.waits(to, p):
		if !to.lane(lease.Addr).add(lease, c, t) {
			t.flight.landed(t.query, false)
		}
	case to.backup && p.Backups:
		if !to.lane(lease.Addr).add(lease, c, ticket{}) {
			to.sent.dropped.Add(1)
		}
	}
}

// park takes a place among the held queries. Beyond the limit the query is
// refused and nothing is sent: its client will ask again.
func (l *link) park(f *flight, q int, awaited int) bool {
	if l.parked.Add(1) > l.parkedMax {
		l.parked.Add(-1)
		l.overflowed.Add(1)
		f.refuse(q)
		return false
	}
	f.park(q, awaited, l)
	return true
}

// afterQueue is the policy once the backlog has closed. It closes a moment
// before the new policy is published, and mostly because everything was sent:
// what comes next is sent directly.
func (l *link) afterQueue() Policy {
	p := *l.policy.Load()
	if p.Partner == Queue {
		p.Partner = Send
	}
	return p
}

// queue puts a query's changes into the backlog; false if it has closed.
func (l *link) queue(cs []leases.Change) bool {
	us := make([]Update, len(cs))
	for i := range cs {
		us[i] = Update{Delete: cs[i].Op == leases.Delete, Lease: cs[i].Lease(), At: time.Unix(cs[i].At, 0)}
	}
	return l.machine.Backlog(l.index).Push(us...)
}
