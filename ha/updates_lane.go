package ha

import (
	"context"
	"sync"
	"time"

	"needletail/internal/control"
	"needletail/leases"
)

// Limits of the way to one peer.
const (
	// lanesDefault is how many requests are on the way to one peer at a time
	// when http-client-threads is 0.
	lanesDefault = 4
	// lanesMax is how many at most, whatever http-client-threads says: Kea would
	// start as many threads, here each costs a goroutine, a connection and a queue.
	lanesMax = 64
	// waitingMax bounds the updates waiting in one lane; those to a backup
	// nobody waits for are dropped and counted beyond it. Awaited ones are
	// bounded before, by parked-packet-limit.
	waitingMax = 16384
	// requestMax bounds one request to a needletail, in bytes of changes.
	requestMax = 4 << 20
)

// lane carries lease updates to one peer, in order, one request at a time. All
// changes of one address take the same lane, so a peer never sees them in
// another order. While a request is on the way, further changes gather; to a
// needletail the next request carries all of them (group commit), to a Kea
// each change is a request of its own.
type lane struct {
	peer *peer
	wake chan struct{} // capacity 1

	mu      sync.Mutex // guards closed, waiting and recent
	closed  bool
	waiting load
	recent  recent

	sending load // run's own
	frame   []byte
}

// load is encoded changes, back to back in buf.
type load struct {
	buf   []byte
	items []item
}

func (l *load) reset() { l.buf, l.items = l.buf[:0], l.items[:0] }

// item is one change of a load.
type item struct {
	form   form
	end    int       // in buf
	at     time.Time // when it came
	ticket           // who waits; its flight is nil for nobody
}

// ticket names a query of a flight: who waits for an answer.
type ticket struct {
	flight *flight
	query  int // index among the flight's queries
}

// form is how a change is encoded.
type form uint8

const (
	formKea    form = iota // a whole command, one lease
	formBinary             // an entry of needletail-lease4-apply
)

// outcome is what became of an update.
type outcome uint8

const (
	updated outcome = iota
	conflicted
	contested // the client gets no answer, and nothing is wrong
	failed
)

func newLane(p *peer) *lane { return &lane{peer: p, wake: make(chan struct{}, 1)} }

// add encodes a change into the lane. False: the lane is closed, or full and
// nobody waits for this change, or a later change of the address was here
// before it (two workers, each on its way here): the later one stands.
func (l *lane) add(lease *leases.Lease, c *leases.Change, t ticket) bool {
	del, a := c.Op == leases.Delete, l.peer.ability()
	it := item{ticket: t, at: time.Now()}
	l.mu.Lock()
	if l.closed || t.flight == nil && len(l.waiting.items) >= waitingMax {
		l.mu.Unlock()
		return false
	}
	if !l.recent.newer(c.Addr, c.Seq) {
		l.mu.Unlock()
		return false
	}
	w := &l.waiting
	switch {
	case a.batch() && del:
		it.form, w.buf = formBinary, appendDelete(w.buf, c.Addr, time.Unix(c.At, 0))
	case a.batch():
		it.form, w.buf = formBinary, appendPut(w.buf, lease)
	default:
		w.buf = appendUpdate(w.buf, lease, del, a, l.peer.link.conf.ThisServer, it.at)
	}
	it.end = len(w.buf)
	w.items = append(w.items, it)
	l.peer.route.pending.Add(1)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

// run sends until ctx ends; then it fails what still waits.
func (l *lane) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			l.close()
			return
		case <-l.wake:
		}
		for l.swap() {
			l.send(ctx)
		}
	}
}

// swap takes everything waiting for sending; false if that is nothing.
func (l *lane) swap() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sending.reset()
	l.sending, l.waiting = l.waiting, l.sending
	return len(l.sending.items) > 0
}

func (l *lane) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.swap()
	l.settleAll(l.sending.items, failed, "this server is closing its relationship")
}

// send works through the load. After a transport error the rest fails with it:
// the peer is not there, and each would only wait for its own timeout.
func (l *lane) send(ctx context.Context) {
	items, start := l.sending.items, 0
	for len(items) > 0 {
		if n := l.overdue(items); n > 0 {
			l.drop(items[:n])
			items, start = items[n:], items[n-1].end
			continue
		}
		n := group(items, start)
		end := items[n-1].end
		err := ctx.Err()
		if err == nil {
			err = l.request(items[:n], l.sending.buf[start:end])
		}
		if err != nil {
			l.settleAll(items, failed, err.Error())
			return
		}
		items, start = items[n:], end
	}
}

// overdue returns how many of the first items have waited for their turn for so
// long that no client should wait for them any more. The peer answers, or they
// would have failed; it is only slower than our clients. What is dropped leaves the
// tables different until the client asks again, which harms nobody
// (docs/high-availability.md) but a survivor's choice of addresses, so the bound is
// not as tight as the timeout of a single update.
func (l *lane) overdue(items []item) (n int) {
	last := time.Now().Add(-requestTimeout)
	for n < len(items) && items[n].flight != nil && items[n].at.Before(last) {
		n++
	}
	return n
}

// drop refuses items that are overdue, and does not send them, as with queries
// beyond parked-packet-limit: they would only keep those waiting that came later,
// and without an answer nothing was promised. Their clients ask again.
func (l *lane) drop(items []item) {
	for _, it := range items {
		if it.flight.refuse(it.query) {
			l.peer.link.overflowed.Add(1)
		}
		l.peer.sent.dropped.Add(1)
		l.peer.route.pending.Add(-1)
		it.flight.landed(it.query, false)
	}
}

// group returns how many of items travel in one request.
func group(items []item, start int) int {
	if items[0].form == formKea {
		return 1
	}
	n := 1
	for n < len(items) && items[n].form == formBinary && items[n].end-start <= requestMax {
		n++
	}
	return n
}

// request sends one request and settles its items, unless it fails on the way. The
// request's time is that of its oldest change: one that waited here for its turn may
// be older than the partner's last sync as well as one that waits in a socket there.
func (l *lane) request(items []item, body []byte) error {
	kind := control.JSONType
	if items[0].form == formBinary {
		l.frame = appendApply(l.frame[:0], l.peer.link.conf.ThisServer, items[0].at, body)
		kind, body = control.AttachedType, l.frame
	}
	a, err := l.peer.bulk.exchange(kind, body, l.peer.timeout)
	if err != nil {
		return err
	}
	if items[0].form == formBinary && a.Result == control.ResultSuccess {
		return l.settleBinary(items, a)
	}
	l.settleAll(items, outcomeOf(a), a.Text)
	return nil
}

// settleBinary reads which entries of a request were refused.
func (l *lane) settleBinary(items []item, a answer) error {
	refused, err := parseApplied(a)
	if err != nil {
		return err
	}
	for i, it := range items {
		if f, ok := refused[i]; ok {
			l.settle(it, outcomeOf(f), f.Text)
			continue
		}
		l.settle(it, updated, "")
	}
	return nil
}

// outcomeOf reads the result of lease4-update or lease4-del. 3 is success: a
// lease that is to be deleted and does not exist. Conflict exists since Kea
// 2.3.1; anything else means that the peer cannot be relied on.
func outcomeOf(a answer) outcome {
	switch a.Result {
	case control.ResultSuccess, control.ResultEmpty:
		return updated
	case control.ResultConflict:
		return conflicted
	case resultContested:
		return contested
	}
	return failed
}

func (l *lane) settleAll(items []item, o outcome, why string) {
	for _, it := range items {
		l.settle(it, o, why)
	}
}

// settle reports one change's outcome to the relationship and to whoever waits.
func (l *lane) settle(it item, o outcome, why string) {
	l.peer.route.pending.Add(-1)
	l.peer.settled(o, it.ticket, why)
	if it.flight != nil {
		it.flight.landed(it.query, o == updated)
	}
}
