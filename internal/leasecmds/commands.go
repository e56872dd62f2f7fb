package leasecmds

import (
	"context"
	"net/netip"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/leases"
)

// Options of the commands.
type Options struct {
	Store  *leases.Store
	Config func() *config.Dhcp4 // the present configuration
	// Taking runs the change of a lease by a command with these arguments, or returns
	// why it must not be made; nil: every change is.
	Taking func(ctx context.Context, args *control.Arguments, a netip.Addr, change Change) error
	// HidesReleased tells whether whoever sent a command may not know the lease
	// state released, which is then shown as expired-reclaimed; nil for never.
	HidesReleased func(context.Context) bool
	// FromStart is called before the first page of leases is read, or all; nil if
	// nobody wants to know.
	FromStart func(context.Context)
	// Refuses tells whether lease4-update, and RefusesDeletion whether
	// lease4-del, must leave a lease alone; partner says that the command has a
	// partner's origin. Nil for never. They must not call the store.
	Refuses         func(ctx context.Context, partner bool, have, got *leases.Lease) bool
	RefusesDeletion func(ctx context.Context, partner bool, have, got *leases.Lease) bool
	// Passed tells whether a lease4-update comes after have, a later one of the same
	// client: it succeeds, and have stays. As Refuses otherwise.
	Passed func(ctx context.Context, partner bool, have, got *leases.Lease) bool
	// Place tells where lease4-write puts a file, or why it may not; nil: where
	// the command says.
	Place func(filename string) (string, error)
	Now   func() time.Time // nil: time.Now
}

// A Change makes a change; ours puts a time of its sender's clock on this server's.
type Change = func(ours func(time.Time) time.Time)

// TakeAll is Options.Taking where every change is made, and every clock is ours.
func TakeAll(_ context.Context, _ *control.Arguments, _ netip.Addr, change Change) error {
	change(func(t time.Time) time.Time { return t })
	return nil
}

// commands answers them. It has no state of its own.
type commands struct{ Options }

// Register adds all lease commands.
func Register(r *control.Registry, o Options) {
	if o.Taking == nil {
		o.Taking = TakeAll
	}
	if o.FromStart == nil {
		o.FromStart = func(context.Context) {}
	}
	if o.HidesReleased == nil {
		o.HidesReleased = func(context.Context) bool { return false }
	}
	never := func(context.Context, bool, *leases.Lease, *leases.Lease) bool { return false }
	if o.Refuses == nil {
		o.Refuses = never
	}
	if o.RefusesDeletion == nil {
		o.RefusesDeletion = never
	}
	if o.Passed == nil {
		o.Passed = never
	}
	if o.Place == nil {
		o.Place = func(filename string) (string, error) { return filename, nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := commands{o}
	for name, run := range map[string]command{
		"lease4-add":               c.add,
		"lease4-update":            c.update,
		"lease4-del":               c.del,
		"lease4-get":               c.get,
		"lease4-get-all":           c.getAll,
		"lease4-get-page":          c.getPage,
		"lease4-get-by-hw-address": c.byHW,
		"lease4-get-by-client-id":  c.byClientID,
		"lease4-get-by-hostname":   c.byHostname,
		"lease4-get-by-state":      c.byState,
		"lease4-wipe":              c.wipe,
		"lease4-write":             c.write,
		"lease4-resend-ddns":       c.resendDDNS,
	} {
		r.Register(name, handler(run))
	}
}

// conflictf is an error that a partner must not take for a failure of ours: it
// counts the client instead (result 4, since Kea 2.3.1).
func conflictf(format string, a ...any) error {
	return control.Refusef(control.ResultConflict, format, a...)
}

type command func(context.Context, *control.Arguments) (control.Response, error)

// handler turns errors into answers.
func handler(run command) control.Handler {
	return func(ctx context.Context, args *control.Arguments) control.Response {
		r, err := run(ctx, args)
		switch {
		case err == nil:
			return r
		case leases.Misplaced(err):
			return control.Response{Result: control.ResultConflict, Text: err.Error()}
		}
		return control.Failed(err)
	}
}
