package slowpath

import (
	"time"

	"needletail/internal/frame"
)

// staleAfter is the age at which nobody waits for an answer to a DISCOVER or INFORM
// any more: clients ask again after 4 s, give or take one (RFC 2131 section 4.1).
const staleAfter = 3 * time.Second

// otherShare is the part of a batch, 1/n, that DISCOVERs and the like keep however
// many urgent queries wait, so that one kind of flood cannot shut out new clients.
const otherShare = 8

// admit puts an arrived query into the backlog and sheds one if there is too much:
// of all that wait, the oldest of the relay that has the most, whose client is the
// first to ask again. What is not urgent goes before what is: a DISCOVER asks for a
// promise, a REQUEST for one to be kept. While too much is in flight, no more that
// is not urgent may wait than did.
func (p *Pump) admit(q *frame.Query) {
	urgent := isUrgent(q)
	if p.room() <= 0 && !p.makeRoom(q, urgent) {
		p.shed(q, &p.count.shedBacklog)
		return
	}
	p.queue.push(q, urgent, p.now.Sub(p.start))
	if !urgent && p.full() {
		p.shedEntry(p.queue.longestOther(), &p.count.shedInFlight)
	}
}

// makeRoom sheds a query that waits for one that arrived. What is not urgent takes
// an urgent one's place only if that is of a relay that has more of them than its
// own; false: there is none.
func (p *Pump) makeRoom(q *frame.Query, urgent bool) bool {
	switch {
	case p.queue.others() > 0:
		p.shedEntry(p.queue.longestOther(), &p.count.shedBacklog)
	case urgent || p.queue.crowded(q):
		p.shedEntry(p.queue.longestUrgent(), &p.count.shedRequest)
	default:
		return false
	}
	return true
}

// shedEntry sheds a query taken from the backlog.
func (p *Pump) shedEntry(e *entry, why *counter) {
	p.shed(&e.query, why)
	p.queue.release(e)
}

// shed gives a query back unanswered.
func (p *Pump) shed(q *frame.Query, why *counter) {
	why.add(1)
	p.o.Handler.Count(SilenceOverload)
	p.giveBack(q)
}

// shedMissed gives a query back that waited while the server stood still. Its
// client asks again; a RELEASE that is lost costs the rest of the lease's time.
func (p *Pump) shedMissed(q *frame.Query) {
	p.count.shedMissed.add(1)
	p.o.Handler.Count(SilenceServerStopped)
	p.giveBack(q)
}

// giveBack collects queries for Done.
func (p *Pump) giveBack(q *frame.Query) {
	p.handled = append(p.handled, *q)
	if len(p.handled) == cap(p.handled) {
		p.o.Port.Done(p.handled)
		p.handled = p.handled[:0]
	}
}

// full reports whether no further change may go in flight.
func (p *Pump) full() bool {
	return p.air.queries >= p.o.InFlight || !p.air.available()
}

// canServe reports whether a waiting query could be handled now.
func (p *Pump) canServe() bool { return p.queue.len() > 0 && !p.full() }

// serve handles up to a batch of waiting queries.
func (p *Pump) serve() {
	kept := min(p.o.Batch/otherShare, p.queue.others())
	for n := 0; n < p.o.Batch && p.canServe(); n++ {
		e := p.next(p.o.Batch-n <= kept)
		if e == nil {
			break
		}
		switch {
		case e.urgent && p.absence.missed(e.arrived):
			p.shedMissed(&e.query)
		case !e.urgent && p.now.Sub(p.start)-e.arrived > staleAfter:
			p.shed(&e.query, &p.count.shedStale)
		default:
			p.handle(&e.query)
			p.giveBack(&e.query)
		}
		p.queue.release(e)
	}
}

// next takes the query to handle next, one that is not urgent if their share is
// due.
func (p *Pump) next(other bool) *entry {
	if other {
		if e := p.queue.popOther(); e != nil {
			return e
		}
	}
	return p.queue.pop()
}

// handle has one query decided and files its reply by when it may leave.
func (p *Pump) handle(q *frame.Query) {
	slot, ok := p.replies.spare(p.o.Port)
	if !ok {
		p.count.noBuffer.add(1)
		p.o.Handler.Count(SilenceNoBuffer)
		return
	}
	r := &p.replies.all[slot]
	out := p.o.Handler.Handle(q, r, p.air.batch(), slot, p.now)
	p.count.queries.add(1)
	switch {
	case out.Pending:
		p.air.board(slot)
		p.replies.take(out.Reply)
	case out.Reply:
		p.count.immediate.add(1)
		p.out = append(p.out, *r)
		p.replies.sent()
	}
}
