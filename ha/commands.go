package ha

import (
	"context"
	"errors"
	"fmt"
	"time"

	"needletail/internal/control"
)

// restricted are the commands a dedicated listener admits when
// restrict-commands is set (Kea: ha_config.cc), and our own between partners.
var restricted = []string{
	"list-commands", "status-get", "dhcp-disable", "dhcp-enable",
	"ha-reset", "ha-heartbeat", "ha-maintenance-notify", "ha-sync-complete-notify",
	"lease4-update", "lease4-del", "lease4-get-all", "lease4-get-page",
	applyName, openName, pageName, changedName,
}

// handlers are all commands of the driver.
func (d *Driver) handlers() map[string]control.Handler {
	return map[string]control.Handler{
		"ha-heartbeat":            d.heartbeatHandler,
		"ha-reset":                d.order(func(t uint64) Input { return Reset{t} }),
		"ha-continue":             d.order(func(t uint64) Input { return Continue{t} }),
		"ha-scopes":               d.scopesHandler,
		"ha-sync":                 d.syncHandler,
		"ha-maintenance-start":    d.maintenanceStart,
		"ha-maintenance-cancel":   d.maintenanceCancel,
		"ha-maintenance-notify":   d.maintenanceNotify,
		"ha-sync-complete-notify": d.syncCompleteHandler,
		"dhcp-disable":            d.disableHandler,
		"dhcp-enable":             d.enableHandler,
		applyName:                 d.applyHandler,
		openName:                  d.openHandler,
		pageName:                  d.pageHandler,
		changedName:               d.changedHandler,
	}
}

func (d *Driver) register() {
	for name, h := range d.handlers() {
		d.opt.Registry.Register(name, h)
	}
	if d.opt.Status != nil {
		d.opt.Status.Section("high-availability", d.report)
		d.opt.Status.Section("dhcp-state", d.serviceReport)
	}
}

func (d *Driver) unregister() {
	for name := range d.handlers() {
		d.opt.Registry.Unregister(name)
	}
	if d.opt.Status != nil {
		d.opt.Status.Section("high-availability", func() any { return nil })
	}
	if n := d.opt.Network; n != nil {
		n.Register(d.opt.Registry)
		if d.opt.Status != nil {
			d.opt.Status.Section("dhcp-state", n.State)
		}
	}
}

var errClosing = errors.New("high availability is shutting down")

// do runs f in the loop and waits for it.
func (d *Driver) do(f func()) error {
	done := make(chan struct{})
	d.post(func() { f(); close(done) })
	select {
	case <-done:
		return nil
	case <-d.ctx.Done():
		return errClosing
	}
}

// ask gives the machine of relationship i a command and waits for its Answer.
func (d *Driver) ask(i int, in func(token uint64) Input) control.Response {
	reply := make(chan Answer, 1)
	d.post(func() {
		d.token++
		d.waiting[d.token] = reply
		d.step(i, in(d.token))
	})
	select {
	case a := <-reply:
		r := control.Response{Result: a.Result, Text: a.Text}
		if a.State != Unknown {
			r.Arguments = map[string]string{"state": a.State.String()}
		}
		return r
	case <-d.ctx.Done():
		return control.Failed(errClosing)
	}
}

// order is the handler of a command that needs nothing but its relationship.
func (d *Driver) order(in func(token uint64) Input) control.Handler {
	return func(ctx context.Context, args *control.Arguments) control.Response {
		i, err := d.which(ctx, args)
		if err != nil {
			return control.Failed(err)
		}
		return d.ask(i, in)
	}
}

// viaKey is the context key of the relationship whose listener a command came
// through; commands of a shared socket have none.
type viaKey struct{}

func via(ctx context.Context) (int, bool) {
	i, ok := ctx.Value(viaKey{}).(int)
	return i, ok
}

// which finds the relationship a command is for: that of the peer named
// server-name (Kea: ha_impl.cc, getHAServiceByServerName); without a name that
// of the listener, on a shared socket the first. Its error may be that of any
// argument read before.
func (d *Driver) which(ctx context.Context, args *control.Arguments) (int, error) {
	name := args.StringOr("server-name", "")
	if err := args.Err(); err != nil {
		return 0, err
	}
	return d.whose(ctx, name)
}

// whose finds the relationship of a server; of none, that of the listener.
func (d *Driver) whose(ctx context.Context, name string) (int, error) {
	if name == "" {
		i, _ := via(ctx)
		return i, nil
	}
	for i, l := range d.links {
		for _, p := range l.conf.Peers {
			if p.Name == name {
				return i, nil
			}
		}
	}
	return 0, fmt.Errorf("%s matches no configured server", name)
}

// sender finds the server a command comes from, by its server-name. Without
// one, or with our own, it is the active partner: nil in passive-backup. Its
// error may be that of any argument read before.
func (d *Driver) sender(ctx context.Context, args *control.Arguments) (*link, *peer, error) {
	i, err := d.which(ctx, args)
	if err != nil {
		return nil, nil, err
	}
	l, name := d.links[i], args.StringOr("server-name", "")
	for _, p := range l.peers {
		if p.name == name {
			return l, p, nil
		}
	}
	return l, l.partner, nil
}

// heartbeatHandler tells our state. It answers at all times, in every state.
func (d *Driver) heartbeatHandler(ctx context.Context, args *control.Arguments) control.Response {
	i, err := d.which(ctx, args)
	var s Status
	if err == nil {
		err = d.do(func() { s = d.machine.Status(i, time.Now()) })
	}
	if err != nil {
		return control.Failed(err)
	}
	return control.Response{Text: "HA peer status returned.", Arguments: arguments{
		"state": s.State.String(), "date-time": time.Now().UTC().Format(dateLayout),
		"scopes": list(s.Scopes), "unsent-update-count": d.machine.Unsent(i).Load(),
	}}
}

// list keeps an empty list from becoming null in JSON.
func list(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// scopesHandler is ha-scopes.
func (d *Driver) scopesHandler(ctx context.Context, args *control.Arguments) control.Response {
	names := args.Strings("scopes")
	i, err := d.which(ctx, args)
	if err != nil {
		return control.Failed(err)
	}
	return d.ask(i, func(t uint64) Input { return SetScopes{Token: t, Names: names} })
}
