package ha

import (
	"context"
	"fmt"
	"math"
	"time"

	"needletail/internal/control"
)

// maintenanceStart starts maintenance in all relationships, in order, up to
// the first that refuses.
func (d *Driver) maintenanceStart(context.Context, *control.Arguments) control.Response {
	var r control.Response
	for i := range d.links {
		if r = d.ask(i, func(t uint64) Input { return MaintenanceStart{t} }); r.Result != control.ResultSuccess {
			break
		}
	}
	return r
}

// maintenanceCancel cancels it in all of them and returns the last answer.
func (d *Driver) maintenanceCancel(context.Context, *control.Arguments) control.Response {
	var r control.Response
	for i := range d.links {
		r = d.ask(i, func(t uint64) Input { return MaintenanceCancel{t} })
	}
	return r
}

// maintenanceNotify comes from the partner. Kea before 2.7.5 sends no state.
func (d *Driver) maintenanceNotify(ctx context.Context, args *control.Arguments) control.Response {
	cancel := args.Bool("cancel")
	state, _ := parseState(args.StringOr("state", "")) // a word we do not know: no state
	i, err := d.which(ctx, args)
	if err != nil {
		return control.Failed(err)
	}
	return d.ask(i, func(t uint64) Input { return MaintenanceNotify{Token: t, Cancel: cancel, State: state} })
}

// syncCompleteHandler comes from the partner, or from a backup, after its sync
// from us.
func (d *Driver) syncCompleteHandler(ctx context.Context, args *control.Arguments) control.Response {
	origin := control.Origin(args.IntOr("origin-id", 0, math.MaxUint32, args.IntOr("origin", 0, math.MaxUint32, 0)))
	l, from, err := d.sender(ctx, args)
	if err != nil {
		return control.Failed(err)
	}
	if from != nil {
		from.stream.end()
	}
	return d.ask(l.index, func(t uint64) Input { return SyncComplete{Token: t, Origin: origin, Backup: from != l.partner} })
}

// syncHandler is ha-sync: a sync from any peer, now, in any state; the machine
// is not moved by it. It is refused while another one is under way.
func (d *Driver) syncHandler(_ context.Context, args *control.Arguments) control.Response {
	name, period := args.String("server-name"), args.MaxPeriod()
	if err := args.Err(); err != nil {
		return control.Failed(err)
	}
	l, from := d.peerNamed(name)
	if from == nil {
		return control.Errorf("%s is not another server of any relationship", name)
	}
	n, err := d.syncByHand(l, from, period)
	if err != nil {
		return control.Errorf("synchronization with %s failed: %v", from.name, err)
	}
	return control.Response{Text: fmt.Sprintf("Lease database synchronization complete, %d leases taken over.", n)}
}

func (d *Driver) peerNamed(name string) (*link, *peer) {
	for _, l := range d.links {
		for _, p := range l.peers {
			if p.name == name {
				return l, p
			}
		}
	}
	return nil, nil
}

// nudge tells a needletail partner that our state has changed, so that it asks
// for it at once and not at its next heartbeat. It runs in the loop. One that is
// being asked what it is may turn out to be a needletail.
func (d *Driver) nudge(l *link) {
	p := l.partner
	if p == nil || !l.learning && !p.ability().batch() {
		return
	}
	body := command(changedName, arguments{"server-name": l.conf.ThisServer})
	d.task(func() {
		if p.learn(requestTimeout); p.ability().batch() {
			p.ctl.call(body, requestTimeout) // lost: the next heartbeat tells it
		}
	})
}

// changedHandler asks the partner for its state now. States without
// heartbeats have no use for it.
func (d *Driver) changedHandler(ctx context.Context, args *control.Arguments) control.Response {
	i, err := d.which(ctx, args)
	if err == nil {
		err = d.do(func() { d.beatNow(d.links[i]) })
	}
	if err != nil {
		return control.Failed(err)
	}
	return control.Response{Text: "heartbeat follows"}
}

func (d *Driver) beatNow(l *link) {
	switch d.machine.Status(l.index, time.Now()).State {
	case Backup, PassiveBackup, Terminated:
		return
	}
	if l.partner == nil {
		return
	}
	if l.beating {
		l.beatAgain = true
		return
	}
	d.beat(l, requestTimeout)
}

// FromStart must be called before our leases are read from the first one on: a
// partner's sync may have begun in a former life of ours, and misses what changed
// between its pages.
func (d *Driver) FromStart(ctx context.Context) {
	at, own := via(ctx)
	d.do(func() {
		for i := range d.links {
			if !own || i == at {
				d.step(i, ReadFromStart{})
			}
		}
	})
}
