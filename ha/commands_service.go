package ha

import (
	"context"
	"time"

	"needletail/internal/control"
)

// disableHandler is dhcp-disable, by a partner or by hand. What comes over a
// socket of no relationship silences all of them.
func (d *Driver) disableHandler(ctx context.Context, args *control.Arguments) control.Response {
	origin, period := args.Origin(), args.MaxPeriod()
	if err := args.Err(); err != nil {
		return control.Failed(err)
	}
	i, own := via(ctx)
	r := d.ask(i, func(t uint64) Input {
		return ServiceOff{Token: t, Origin: origin, Shared: !own, Period: period}
	})
	return withText(r, control.DisabledText(period))
}

// enableHandler is dhcp-enable.
func (d *Driver) enableHandler(ctx context.Context, args *control.Arguments) control.Response {
	origin := args.Origin()
	if err := args.Err(); err != nil {
		return control.Failed(err)
	}
	i, own := via(ctx)
	r := d.ask(i, func(t uint64) Input { return ServiceOn{Token: t, Origin: origin, Shared: !own} })
	return withText(r, control.EnabledText)
}

// borrowService takes over what disables service, before loop begins. The
// scopes of waiting are in the filters, so no query slips through between the
// two switches.
func (d *Driver) borrowService() {
	if d.opt.Network == nil {
		return
	}
	for _, h := range d.opt.Network.HandOver() {
		d.apply(0, ServiceOff{Origin: h.Origin, Shared: true, Period: h.Left})
	}
}

// returnService gives back what is not of HA, after loop has ended: it holds
// without relationships, or with the next ones.
func (d *Driver) returnService() {
	if d.opt.Network == nil || d.machine == nil {
		return
	}
	for _, h := range d.machine.Service().lasting(time.Now()) {
		d.opt.Network.Disable(h.Origin, h.Left)
	}
}

// withText words a success; the machine's own wording is for its tests.
func withText(r control.Response, text string) control.Response {
	if r.Result == control.ResultSuccess {
		r.Text = text
	}
	return r
}
