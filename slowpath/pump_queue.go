package slowpath

import (
	"encoding/binary"
	"time"

	"needletail/internal/frame"
)

// flowsMax is how many relays (or interfaces, for clients without one) are told
// apart; those that hash alike share a turn.
const flowsMax = 256

// queue is the backlog of a pump: queries received and not yet handled, apart
// by urgency (isUrgent) and, within, by relay. Relays take turns, so the clients behind
// one cannot crowd out those behind another. Owned by the pump.
type queue struct {
	size   int    // most queries
	used   int    // entries that are not free
	made   int    // entries
	free   *entry // list by next
	urgent class
	other  class // DISCOVERs, INFORMs, whatever hangs on no promise
}

// entry is one waiting query.
type entry struct {
	query   frame.Query
	arrived time.Duration // since the pump was made
	urgent  bool
	next    *entry // in its flow, or free
}

// entriesMade is how many entries are made at a time, when the queue is longer than
// ever: most servers never need a tenth of them.
const entriesMade = 256

// class is the waiting queries of one urgency.
type class struct {
	flows [flowsMax]flow
	turns [flowsMax]uint8 // ring of the flows that have queries, or had when last looked at
	first int             // in turns
	live  int             // in turns
	n     int             // queries
	most  uint8           // a flow that had the most
	rest  int32           // no other flow has more than that
}

// flow is the waiting queries of one relay, oldest first.
type flow struct {
	head, tail *entry
	n          int32
	listed     bool // in turns
}

func newQueue(size int) *queue { return &queue{size: size} }

func (q *queue) len() int    { return q.urgent.n + q.other.n }
func (q *queue) others() int { return q.other.n }
func (q *queue) room() int   { return q.size - q.used }

// push copies a query into the queue, which must have room.
func (q *queue) push(from *frame.Query, urgent bool, arrived time.Duration) {
	e := q.entry()
	e.query, e.arrived, e.urgent, e.next = *from, arrived, urgent, nil
	c := &q.other
	if urgent {
		c = &q.urgent
	}
	c.push(e, flowOf(from))
}

// entry takes a free one.
func (q *queue) entry() *entry {
	if q.free == nil {
		more := make([]entry, min(entriesMade, q.size-q.made))
		for i := range more {
			more[i].next, q.free = q.free, &more[i]
		}
		q.made += len(more)
	}
	e := q.free
	q.free = e.next
	q.used++
	return e
}

// pop takes the oldest query of the relay whose turn it is, urgent ones first;
// nil if there is none. The entry must come back by release.
func (q *queue) pop() *entry {
	if e := q.urgent.pop(); e != nil {
		return e
	}
	return q.other.pop()
}

func (q *queue) popOther() *entry { return q.other.pop() }

// longestOther takes the oldest query that is not urgent of the relay that has
// the most of them. There must be one.
func (q *queue) longestOther() *entry { return q.other.take(q.other.longest()) }

// longestUrgent is the same of urgent queries.
func (q *queue) longestUrgent() *entry { return q.urgent.take(q.urgent.longest()) }

// crowded tells whether a relay has more urgent queries waiting than the one that
// a query came by.
func (q *queue) crowded(by *frame.Query) bool {
	return q.urgent.longest().n > q.urgent.flows[flowOf(by)].n
}

// longest is the flow of the relay that has the most. It looks at all flows only if
// another may have more than the one that had.
func (c *class) longest() *flow {
	if c.flows[c.most].n < c.rest {
		c.most, c.rest = 0, 0
		for i := 1; i < flowsMax; i++ {
			c.rank(uint8(i))
		}
	}
	return &c.flows[c.most]
}

// rank keeps most and rest right when a flow has grown.
func (c *class) rank(at uint8) {
	switch n := c.flows[at].n; {
	case at == c.most:
	case n > c.flows[c.most].n:
		c.rest = max(c.rest, c.flows[c.most].n)
		c.most = at
	default:
		c.rest = max(c.rest, n)
	}
}

// release makes the entry free for another query.
func (q *queue) release(e *entry) {
	e.next, q.free = q.free, e
	q.used--
}

func (c *class) push(e *entry, at uint8) {
	f := &c.flows[at]
	if f.n == 0 {
		f.head = e
	} else {
		f.tail.next = e
	}
	f.tail = e
	f.n++
	c.n++
	c.rank(at)
	if !f.listed {
		f.listed = true
		c.turns[(c.first+c.live)%flowsMax] = at
		c.live++
	}
}

func (c *class) pop() *entry {
	for c.n > 0 {
		at := c.turns[c.first]
		c.first = (c.first + 1) % flowsMax
		f := &c.flows[at]
		if f.n == 0 { // emptied by shedding
			f.listed = false
			c.live--
			continue
		}
		e := c.take(f)
		if f.n > 0 {
			c.turns[(c.first+c.live-1)%flowsMax] = at
		} else {
			f.listed = false
			c.live--
		}
		return e
	}
	return nil
}

func (c *class) take(f *flow) *entry {
	e := f.head
	f.head = e.next
	f.n--
	c.n--
	return e
}

// flowOf tells relays apart by giaddr, clients without one by the interface and
// VLAN they came in by.
func flowOf(q *frame.Query) uint8 {
	const giaddr = 24 // offset in the message, RFC 2131 section 2
	h := uint32(q.IfIndex)<<16 ^ uint32(q.Link.Tags[0].TCI&0xfff) ^ uint32(q.Link.Tags[1].TCI)<<12
	if m := q.Message; len(m) >= giaddr+4 {
		if g := binary.BigEndian.Uint32(m[giaddr:]); g != 0 {
			h = g
		}
	}
	return uint8(h * 0x9e3779b1 >> 24)
}
