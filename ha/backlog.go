package ha

import (
	"sync"
	"time"

	"needletail/leases"
)

// Update is one lease change as a partner is told of it.
type Update struct {
	Delete bool
	Lease  leases.Lease
	At     time.Time // of a deletion: when it was made, long before it is sent perhaps
}

// Backlog holds the updates that communication-recovery could not send, in
// order (Kea: lease_update_backlog.cc). Workers push, the driver sends; the
// machine opens it on entering the state and clears it on leaving. mu guards
// all of it.
type Backlog struct {
	mu         sync.Mutex
	limit      int
	open       bool
	overflowed bool
	opening    uint64 // how often it was opened
	queue      []Update
}

// Push queues the updates of one query, all or none: what went into the queue
// before a Seal and what comes after would part ways. It returns false when the
// backlog is not open: the state has changed or is about to; read the policy
// again, and if it still says Queue, send. Beyond the limit updates are lost and
// the backlog is marked as overflowed: a full sync mends that.
func (b *Backlog) Push(us ...Update) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return false
	case len(b.queue)+len(us) > b.limit:
		b.overflowed = true
	default:
		b.queue = append(b.queue, us...)
	}
	return true
}

// Drain is the way to what one opening of the backlog holds. It outlives the
// state that asked for it: of a later opening it takes nothing, and above all
// does not seal it.
type Drain struct {
	b       *Backlog
	opening uint64
}

// Drain returns the way to what is queued now.
func (b *Backlog) Drain() Drain {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Drain{b, b.opening}
}

// valid reports whether the backlog is still the one that was to be drained;
// with mu held.
func (d Drain) valid() bool { return d.b.open && d.b.opening == d.opening }

// Peek copies up to len(into) updates from the front and returns how many: none
// of a backlog that has overflowed, which is of no use. Kea takes an update out
// before it sends it and loses it when that fails; ours stays until Drop.
func (d Drain) Peek(into []Update) int {
	d.b.mu.Lock()
	defer d.b.mu.Unlock()
	if !d.valid() || d.b.overflowed {
		return 0
	}
	return copy(into, d.b.queue)
}

// Drop removes the first n updates: the partner has them.
func (d Drain) Drop(n int) {
	d.b.mu.Lock()
	defer d.b.mu.Unlock()
	if d.valid() {
		d.b.queue = d.b.queue[n:]
	}
}

// Seal closes the backlog if it is empty and has not overflowed. From then on
// Push refuses, so nothing is queued between the last update sent and the state
// that sends directly.
func (d Drain) Seal() bool {
	d.b.mu.Lock()
	defer d.b.mu.Unlock()
	if !d.valid() || len(d.b.queue) > 0 || d.b.overflowed {
		return false
	}
	d.b.open = false
	return true
}

// Len returns the number of queued updates.
func (b *Backlog) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue)
}

// Overflowed reports whether updates were lost.
func (b *Backlog) Overflowed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.overflowed
}

// clean reports whether the partner misses nothing.
func (b *Backlog) clean() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue) == 0 && !b.overflowed
}

// start opens an empty backlog of at most limit updates.
func (b *Backlog) start(limit uint32) {
	b.stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit, b.open = int(limit), true
	b.opening++
}

// stop closes and empties the backlog. It returns how many updates it held,
// at least 1 if it had overflowed.
func (b *Backlog) stop() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.queue)
	if b.overflowed {
		n++
	}
	b.open, b.overflowed, b.queue = false, false, nil
	return n
}
