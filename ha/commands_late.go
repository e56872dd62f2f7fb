package ha

import (
	"context"
	"math"
	"net/netip"
	"time"

	"needletail/internal/control"
)

// errLate refuses what was sent before our last sync began, and waited since: in
// the socket of a process that was stopped, say. The sync has brought it, and
// perhaps that it is over: a release leaves all times as they were. So it does
// with what comes before we know the partner's clock, which tells how old it is. And
// what was sent before the sender's last sync from us is of another life of its, or was
// given up: it begins with what that sync told it, and may have gone on from there.
var errLate = control.Refusef(resultContested, "a sync has overtaken this change, or will")

// hear runs take for a needletail's lease changes, with the clock that their times are
// of, and whether they come too late (errLate). The arguments tell the sender and when
// it sent them (appendSender).
func (d *Driver) hear(ctx context.Context, args *control.Arguments, take func(l *link, clock Clock, late bool)) error {
	sent := args.Int("time", 0, math.MaxInt64) // by the sender's clock, unix ms
	l, from, err := d.sender(ctx, args)
	if err != nil {
		return err
	}
	told := time.UnixMilli(sent)
	clock := l.clockOf(from, told, time.Now())
	from.whole(told, clock, func(late bool) {
		take(l, clock, late || from == l.partner && !l.clocked.Load())
	})
	return nil
}

// Taking runs a change that a lease command makes, or refuses it: a needletail that
// does not know what we are sends its changes as it would to a Kea, and they may be
// late as any. What tells no time is a Kea's or an administrator's, and its clock ours.
func (d *Driver) Taking(ctx context.Context, args *control.Arguments, a netip.Addr, change func(ours func(time.Time) time.Time)) error {
	if !args.Has("time") {
		d.touch(a)
		change(Clock{}.Ours)
		return nil
	}
	overtaken := false
	err := d.hear(ctx, args, func(_ *link, clock Clock, late bool) {
		if overtaken = late; !late {
			d.touch(a)
			change(clock.Ours)
		}
	})
	if err == nil && overtaken {
		err = errLate
	}
	return err
}

// touch must be called before a partner's change of an address is applied: a running
// sync then leaves the address alone.
func (d *Driver) touch(a netip.Addr) {
	for _, l := range d.links {
		l.touched.add(a)
	}
}
