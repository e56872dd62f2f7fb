package slowpath

import (
	"sync/atomic"

	"needletail/leases"
)

// flight is one batch on its way to disk and partners, with the replies that
// wait for it. The pump's goroutine owns it on the ground; in the air only the
// two functions touch it.
type flight struct {
	batch   *leases.Batch
	slots   []uint32
	pending atomic.Int32 // destinations not yet reached
	err     error        // of the disk; written before pending falls
	next    *flight      // in the list of the landed
	onDisk  func(*leases.Batch, error)
	onPeers func(*leases.Batch)
}

// airspace is all flights of a pump.
type airspace struct {
	current *flight   // being filled; nil: none free
	ground  []*flight // free
	made    int
	up      int // in the air
	queries int // aboard them

	landed   atomic.Pointer[flight] // stack, pushed by any goroutine, taken whole by the pump's
	sleeping atomic.Bool            // the pump waits in Receive and wants to be woken
	wake     func()
}

func (a *airspace) init(p *Pump) {
	a.wake = p.o.Port.Wake
	a.ground = make([]*flight, 0, flightsMax)
}

// available reports whether a further batch can be filled.
func (a *airspace) available() bool {
	return a.current != nil || len(a.ground) > 0 || a.made < flightsMax
}

// batch returns the batch being filled; available must hold.
func (a *airspace) batch() *leases.Batch {
	if a.current == nil {
		a.current = a.take()
	}
	return a.current.batch
}

func (a *airspace) take() *flight {
	if n := len(a.ground); n > 0 {
		f := a.ground[n-1]
		a.ground = a.ground[:n-1]
		return f
	}
	a.made++
	f := &flight{batch: new(leases.Batch)}
	f.onDisk = func(_ *leases.Batch, err error) {
		f.err = err
		a.arrive(f)
	}
	f.onPeers = func(*leases.Batch) { a.arrive(f) }
	return f
}

// board makes the reply in slot wait for the batch being filled.
func (a *airspace) board(slot uint32) {
	a.current.slots = append(a.current.slots, slot)
	a.queries++
}

// arrive counts one destination reached, and lands the flight with the last.
// Any goroutine.
func (a *airspace) arrive(f *flight) {
	if f.pending.Add(-1) > 0 {
		return
	}
	for {
		f.next = a.landed.Load()
		if a.landed.CompareAndSwap(f.next, f) {
			break
		}
	}
	if a.sleeping.CompareAndSwap(true, false) {
		a.wake()
	}
}

// doze announces that the pump is about to wait. It returns false if something
// has landed, which must be looked at first.
func (a *airspace) doze() bool {
	a.sleeping.Store(true)
	return a.landed.Load() == nil
}

func (a *airspace) awake() { a.sleeping.Store(false) }

// takeOff sends the filled batch to disk and partners at the same time.
func (p *Pump) takeOff() {
	f := p.air.current
	if f == nil || len(f.slots) == 0 && f.batch.Len() == 0 {
		return
	}
	p.air.current = nil
	p.air.up++
	p.count.batches.add(1)
	p.count.inFlight.set(p.air.queries)
	// The third destination is this function: neither answer may land the
	// flight before both were asked.
	f.pending.Store(3)
	p.o.Store.Submit(f.batch, f.onDisk)
	if p.o.Replicator == nil || !p.o.Replicator.Replicate(f.batch, f.onPeers) {
		p.air.arrive(f)
	}
	p.air.arrive(f)
}

// land looks at the flights that have arrived, in the order in which they did,
// and lets their replies go or drops them.
func (p *Pump) land() {
	var first *flight
	for f := p.air.landed.Swap(nil); f != nil; {
		f, f.next, first = f.next, first, f
	}
	for f := first; f != nil; {
		next := f.next
		p.settle(f)
		f = next
	}
}

// settle ends one flight.
func (p *Pump) settle(f *flight) {
	p.o.Store.Settle(f.batch)
	p.o.Health.report(f.err)
	for _, q := range f.batch.Queries() {
		if !q.OK {
			p.replies.failed[q.Tag] = true
		}
	}
	for _, slot := range f.slots {
		p.release(slot, f.err)
	}
	for _, q := range f.batch.Queries() {
		p.replies.failed[q.Tag] = false
	}
	p.air.up--
	p.air.queries -= len(f.slots)
	p.count.inFlight.set(p.air.queries)
	f.slots, f.err, f.next = f.slots[:0], nil, nil
	f.batch.Reset()
	p.air.ground = append(p.air.ground, f)
}

// release lets the reply in slot leave if everything it promises is true now.
func (p *Pump) release(slot uint32, err error) {
	r, s := &p.replies.all[slot], &p.replies
	switch {
	case err != nil:
		p.count.commitFailed.add(1)
		p.o.Handler.Count(SilenceCommitFailed)
		p.o.Port.Drop(r)
	case s.failed[slot]:
		p.count.refused.add(1)
		p.o.Handler.Count(SilenceReplicationRefused)
		p.o.Port.Drop(r)
	case s.silent[slot]:
		p.o.Port.Drop(r)
	default:
		p.count.committed.add(1)
		p.out = append(p.out, *r)
	}
	s.free = append(s.free, slot)
}
