package sim

import (
	"time"

	"needletail/ha"
	"needletail/internal/scope"
)

// process is a server's process: the real machine of all its relationships, and
// what they share. A hub is a server in two relationships, any other in one.
type process struct {
	w     *world
	seats []*server     // by relationship
	skew  time.Duration // its clock against the world's

	up        bool
	stopped   bool          // SIGSTOP: alive, but nothing happens
	stoppedAt time.Duration // last
	since     time.Duration // when it started or was last resumed
	life      int           // counts starts; what a former life began is void
	later     []func()      // what happens once it is no longer stopped

	m        *ha.Machine
	wakeAt   time.Duration // of the last wake-up asked for
	tokens   uint64
	asked    map[uint64]func(ha.Answer)
	diskFree time.Duration // when the disk is done with what it has
}

func (p *process) clock() time.Time { return epoch.Add(p.w.now + p.skew) }

// awake runs do now, or when the process goes on.
func (p *process) awake(do func()) {
	life := p.life
	run := func() {
		if p.up && p.life == life {
			do()
		}
	}
	if p.stopped {
		p.later = append(p.later, run)
		return
	}
	run()
}

// start begins a life with what is on disk.
func (p *process) start() {
	p.up, p.stopped, p.later = true, false, nil
	p.life++
	p.since, p.diskFree = p.w.now, 0
	p.asked = map[uint64]func(ha.Answer){}
	var all []ha.Settings
	for _, s := range p.seats {
		s.begin()
		all = append(all, s.settings)
	}
	m, out := ha.New(all, p.clock())
	p.m = m
	p.perform(out)
}

func (p *process) kill() {
	p.up, p.stopped = false, false
	p.life++
	for _, s := range p.seats {
		p.w.logf("%s is killed", s.name)
		s.scope = scope.Scope{}
		for a, n := range s.busy {
			s.unsettled(a, n > 0 && s.behind)
		}
	}
	p.observe()
}

func (p *process) stop() {
	for _, s := range p.seats {
		p.w.logf("%s is stopped", s.name)
	}
	p.stopped, p.stoppedAt = true, p.w.now
	p.observe()
}

func (p *process) resume() {
	if !p.up || !p.stopped {
		return
	}
	for _, s := range p.seats {
		p.w.logf("%s goes on", s.name)
		s.blind = s.blind || s.unreachable()
	}
	p.stopped, p.since = false, p.w.now
	p.observe()
	todo := p.later
	p.later = nil
	for _, do := range todo {
		do()
	}
}

// observe has every relationship look at who serves what.
func (p *process) observe() {
	for _, s := range p.seats {
		s.c.observe()
	}
}

// perform carries out the effects of a step in order.
func (p *process) perform(out ha.Output) {
	for _, e := range out.Effects {
		p.seats[relationship(e)].effect(e)
	}
	p.observe()
	if out.Wake.IsZero() {
		return
	}
	at := max(out.Wake.Sub(epoch)-p.skew, p.w.now)
	if p.wakeAt == at && at > p.w.now {
		return
	}
	p.wakeAt = at
	life := p.life
	p.w.after(at-p.w.now, func() {
		if p.life == life && p.wakeAt == at {
			p.awake(p.tick)
		}
	})
}

// tick lets time pass: a tick of one relationship is one of all.
func (p *process) tick() {
	p.wakeAt = -1
	for _, s := range p.seats {
		if s.rel == 0 || s.scope.Interrupted {
			s.step(ha.Tick{})
		}
	}
}

// relationship is whose an effect is. An answer goes by its token.
func relationship(e ha.Effect) int {
	switch e := e.(type) {
	case ha.SetScope:
		return e.Relationship
	case ha.Mark:
		return e.Relationship
	case ha.SetPolicy:
		return e.Relationship
	case ha.SendHeartbeat:
		return e.Relationship
	case ha.StartSync:
		return e.Relationship
	case ha.StopSync:
		return e.Relationship
	case ha.SendBacklog:
		return e.Relationship
	case ha.SendReset:
		return e.Relationship
	case ha.SendMaintenance:
		return e.Relationship
	case ha.Transition:
		return e.Relationship
	case ha.Warning:
		return e.Relationship
	}
	return 0
}
