package ha

import (
	"time"
)

// idleTick is how often the loop looks at the clock when no machine asked for
// it sooner.
const idleTick = time.Second

// loop owns the machine until the driver closes.
func (d *Driver) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(d.untilWake(time.Now()))
		select {
		case <-d.ctx.Done():
			return
		case run := <-d.inputs:
			run()
		case <-d.reports:
			d.updatesDone()
		case <-timer.C:
			d.tick(time.Now())
		}
	}
}

// untilWake returns how long the loop may sleep.
func (d *Driver) untilWake(now time.Time) time.Duration {
	if d.wake.IsZero() {
		return idleTick
	}
	return min(idleTick, max(d.wake.Sub(now), 0))
}

func (d *Driver) tick(now time.Time) {
	for _, l := range d.links {
		if l.counting || l.index == 0 {
			d.step(l.index, Tick{}) // a tick of one is a tick of all
		}
		for _, p := range l.peers {
			if p.stream.expired(now) && p == l.partner {
				d.step(l.index, StreamClosed{})
			}
		}
	}
}

func (d *Driver) updatesDone() {
	for _, l := range d.links {
		if done, ok := l.take(); ok {
			d.step(l.index, done)
		}
		if l.recount.Swap(false) {
			d.step(l.index, Tick{})
		}
	}
}

// post has loop run f; it gives up when the driver closes.
func (d *Driver) post(f func()) {
	select {
	case d.inputs <- f:
	case <-d.ctx.Done():
	}
}

// input hands in to the machine of relationship i, from any goroutine but loop.
func (d *Driver) input(i int, in Input) { d.post(func() { d.step(i, in) }) }

// step runs one machine and executes what it wants. While communication is
// interrupted the machine hears first what the filters have counted.
func (d *Driver) step(i int, in Input) {
	l := d.links[i]
	if l.counting {
		d.apply(i, d.counted(l))
	}
	d.apply(i, in)
}

// placesEvery is how often the relays of unacked clients are asked for, which
// takes longer than their number.
const placesEvery = time.Second

// counted is what the filters know of a relationship's clients, with their relays
// once they are too many.
func (d *Driver) counted(l *link) Counted {
	c := Counted{Unacked: d.opt.Unacked.Unacked(l.index)}
	if d.opt.Where == nil || c.Unacked.Unacked <= l.conf.MaxUnackedClients {
		return c
	}
	if now := time.Now(); now.Sub(l.placedAt) >= placesEvery {
		l.places, l.placedAt = d.opt.Where(l.index), now
	}
	c.Where = l.places
	return c
}

func (d *Driver) apply(i int, in Input) {
	now := time.Now()
	out := d.machine.Step(now, i, in)
	d.wake = out.Wake
	d.execute(out.Effects)
	s := d.machine.Status(i, now)
	d.links[i].rejecting.Store(s.Rejected > 0)
	d.links[i].terminated.Store(s.State == Terminated)
}
