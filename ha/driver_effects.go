package ha

import (
	"context"
	"log/slog"
	"time"
)

// execute does what the machine wants, in order. Nothing here waits: what
// takes time is a task that reports back as an input.
func (d *Driver) execute(effects []Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case Mark:
			l := d.links[e.Relationship]
			if err := (marks{d.opt.MarkDir}).set(l.conf.ThisServer, e.Alone, e.Read); err != nil {
				l.log.Error("cannot keep over a restart whether the partner lacks leases; if this server dies now, have the partner synchronise by hand (ha-sync)", "error", err)
			}
		case SetScope:
			d.links[e.Relationship].counting = e.Scope.Interrupted
			d.links[e.Relationship].scope.Store(&e.Scope)
			d.opt.Scopes.SetScope(e.Relationship, e.Scope)
		case SetPolicy:
			d.links[e.Relationship].policy.Store(&e.Policy)
		case SendHeartbeat:
			d.beat(d.links[e.Relationship], e.Timeout)
		case StartSync:
			d.startSync(d.links[e.Relationship], e.ID)
		case StopSync:
			d.links[e.Relationship].abandonSync()
		case SendBacklog:
			l := d.links[e.Relationship]
			from := d.machine.Backlog(l.index).Drain()
			d.task(func() { d.input(l.index, BacklogDone{Err: text(l.sendBacklog(d.ctx, d.opt.Store, from))}) })
		case SendReset:
			l := d.links[e.Relationship]
			d.task(func() { d.input(l.index, ResetDone{Err: text(l.partner.reset(l.conf.ThisServer))}) })
		case SendMaintenance:
			l := d.links[e.Relationship]
			d.task(func() { d.input(l.index, l.partner.maintenance(d.ctx, l.conf.ThisServer, e.Cancel, e.State)) })
		case Answer:
			d.answer(e)
		case Transition:
			d.logTransition(e)
			d.nudge(d.links[e.Relationship])
		case Warning:
			d.links[e.Relationship].log.Warn(e.Text)
		}
	}
}

// text is an error's text, empty for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (d *Driver) answer(a Answer) {
	if to, ok := d.waiting[a.Token]; ok {
		delete(d.waiting, a.Token)
		to <- a
	}
}

// logTransition tells an operator what changed and why.
func (d *Driver) logTransition(t Transition) {
	level := slog.LevelInfo
	switch t.To {
	case CommunicationRecovery, PartnerDown, Terminated:
		level = slog.LevelWarn
	}
	d.links[t.Relationship].log.Log(context.Background(), level, "HA state changed",
		"old", t.From.String(), "new", t.To.String(), "partner", t.Partner.String(), "reason", t.Reason, "paused", t.Paused)
}

// beat sends a heartbeat, unless one is on the way already.
func (d *Driver) beat(l *link, timeout time.Duration) {
	if l.beating {
		return
	}
	l.beating = true
	began := time.Now()
	d.task(func() {
		done := l.partner.heartbeat(l.conf.ThisServer, timeout)
		done.Began = began
		d.post(func() {
			l.beating = false
			if done.Err == "" {
				d.learn(l, timeout)
			}
			d.step(l.index, done)
			l.see(d.machine.Skew(l.index))
			if l.beatAgain {
				l.beatAgain = false
				d.beat(l, timeout)
			}
		})
	})
}

// learn has a partner that answers again asked what it understands: it may be
// another program. The heartbeat that found it does not wait for that.
func (d *Driver) learn(l *link, timeout time.Duration) {
	if l.learning || l.partner.ability().known() {
		return
	}
	l.learning = true
	d.task(func() {
		l.partner.learn(timeout)
		d.post(func() { l.learning = false })
	})
}
