package ha

import (
	"sync"
	"sync/atomic"

	"needletail/leases"
)

// flight is one batch of lease changes on its way to the partners. It ends
// when every awaited answer is in; only then is the batch given back.
type flight struct {
	batch *leases.Batch
	done  func(*leases.Batch)
	left  atomic.Int32 // awaited changes, and one for Replicate itself

	mu      sync.Mutex // guards queries
	queries []parked   // by index among the batch's queries
}

// parked is one query of a flight whose answer is held.
type parked struct {
	left    int32 // awaited answers
	refused bool
	link    *link
}

var flights = sync.Pool{New: func() any { return new(flight) }}

func newFlight(b *leases.Batch, queries int, done func(*leases.Batch)) *flight {
	f := flights.Get().(*flight)
	f.batch, f.done = b, done
	f.left.Store(1)
	f.queries = f.queries[:0]
	for range queries {
		f.queries = append(f.queries, parked{})
	}
	return f
}

// park counts n more awaited answers for query q.
func (f *flight) park(q int, n int, l *link) {
	f.left.Add(int32(n))
	f.mu.Lock()
	f.queries[q].left += int32(n)
	f.queries[q].link = l
	f.mu.Unlock()
}

// refuse marks query q: its reply must not leave. It reports whether that is
// news.
func (f *flight) refuse(q int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.queries[q].refused
	f.queries[q].refused = true
	return !was
}

// landed takes in one awaited answer for query q, and ends the flight with the
// last one.
func (f *flight) landed(q int, ok bool) {
	f.mu.Lock()
	p := &f.queries[q]
	p.left--
	p.refused = p.refused || !ok
	last, good, l := p.left == 0, !p.refused, p.link
	f.mu.Unlock()
	if last {
		l.parked.Add(-1)
		if good && l.rejecting.Load() {
			l.accepted(f.client(q))
		}
	}
	f.finish()
}

// client names the client of query q, for the set of rejected clients.
func (f *flight) client(q int) ClientKey {
	hw, id := f.batch.Client(q)
	return ClientKey{HW: string(hw), ID: string(id)}
}

// finish drops one reference and completes the flight with the last.
func (f *flight) finish() {
	if f.left.Add(-1) != 0 {
		return
	}
	for q := range f.queries {
		if f.queries[q].refused {
			f.batch.Refuse(q)
		}
	}
	b, done := f.batch, f.done
	f.batch, f.done = nil, nil
	flights.Put(f)
	done(b)
}
