package slowpath

import (
	"time"

	"needletail/internal/frame"
)

// staleAfter is the age at which nobody waits for an OFFER any more: clients
// ask again after 4 s, give or take one (RFC 2131 section 4.1).
const staleAfter = 3 * time.Second

// discoverShare is the part of a batch, 1/n, that DISCOVERs keep however many
// other queries wait, so that one kind of flood cannot shut out new clients.
const discoverShare = 8

// admit puts an arrived query into the backlog, or sheds one. DISCOVERs go
// first: they are new promises, while a REQUEST is one to be kept. The newest
// of them go when too much is in flight, the oldest of the relay that has the
// most of them when the backlog is full. Of a backlog of REQUESTs, too, the oldest of
// the relay with the most goes: its client is the first to ask again.
func (p *Pump) admit(q *frame.Query) {
	urgent := isUrgent(q)
	if !urgent && p.full() {
		p.shed(q, &p.count.shedInFlight)
		return
	}
	if p.queue.room() == 0 {
		victim, why := p.queue.longestDiscover(), &p.count.shedBacklog
		if victim == nil {
			victim, why = p.queue.longestUrgent(), &p.count.shedRequest
		}
		p.shed(&victim.query, why)
		p.queue.release(victim)
	}
	p.queue.push(q, urgent, p.now.Sub(p.start))
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
	kept := min(p.o.Batch/discoverShare, p.queue.discovers())
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

// next takes the query to handle next, a DISCOVER if its share is due.
func (p *Pump) next(discover bool) *entry {
	if discover {
		if e := p.queue.popDiscover(); e != nil {
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
