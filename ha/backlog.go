package ha

import (
	"sync"

	"needletail/leases"
)

// Update is one lease change as a partner is told of it.
type Update struct {
	Delete bool
	Lease  leases.Lease
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
	first      uint64 // number of queue[0]; numbers are never used again
	queue      []Update
}

// Push queues an update. It returns false when the backlog is not open: the
// state has changed or is about to; read the policy again, and if it still says
// Queue, send. Beyond the limit updates are lost and the backlog is marked as
// overflowed: a full sync mends that.
func (b *Backlog) Push(u Update) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return false
	case len(b.queue) >= b.limit:
		b.overflowed = true
	default:
		b.queue = append(b.queue, u)
	}
	return true
}

// Peek copies up to len(into) updates from the front and returns how many,
// and the mark to give to Drop once the partner has them. Kea takes an update
// out before it sends it and loses it when that fails; ours stays.
func (b *Backlog) Peek(into []Update) (n int, mark uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = copy(into, b.queue)
	return n, b.first + uint64(n)
}

// Drop removes the updates before mark. A mark from before the backlog was
// cleared removes nothing.
func (b *Backlog) Drop(mark uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.first < mark && len(b.queue) > 0 {
		b.queue = b.queue[1:]
		b.first++
	}
}

// Seal closes the backlog if it is empty and has not overflowed. From then on
// Push refuses, so nothing is queued between the last update sent and the state
// that sends directly.
func (b *Backlog) Seal() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) > 0 || b.overflowed {
		return false
	}
	b.open = false
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
	b.first += uint64(len(b.queue))
	b.open, b.overflowed, b.queue = false, false, nil
	return n
}
