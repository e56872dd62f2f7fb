package server

import (
	"context"
	"net/netip"
	"reflect"
	"slices"
	"sync/atomic"

	"needletail/ha"
	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/internal/leasecmds"
	"needletail/internal/scope"
	"needletail/leases"
	"needletail/slowpath"
)

// KernelFilter is the filter in the driver, twin of slowpath.Filter.
type KernelFilter interface {
	SetScope(i int, s scope.Scope)
	Unacked(i int) scope.Unacked
	UnackedRelays(i int) []netip.Addr
	OnUnacked(wake func(i int))
}

// filters are both filters as one. User space is told first: it judges again
// what the kernel lets through, so no query is ever judged by a scope that
// only the kernel still has.
type filters struct {
	user   *slowpath.Filter
	kernel KernelFilter // nil without a fast path
}

// SetScope implements ha.Scopes.
func (f *filters) SetScope(i int, s scope.Scope) {
	f.user.SetScope(i, s)
	if f.kernel != nil {
		f.kernel.SetScope(i, s)
	}
}

// Unacked implements ha.Unacked. A query that the kernel drops does not reach
// user space, so no query is counted twice; a client is whose queries the kernel
// drops in part, in part passes in doubt. Each filter wakes ha by its own count;
// for the sum ha looks every second while it counts.
func (f *filters) Unacked(i int) scope.Unacked {
	u := f.user.Unacked(i)
	if f.kernel != nil {
		k := f.kernel.Unacked(i)
		u.Analyzed, u.Connecting, u.Unacked = u.Analyzed+k.Analyzed, u.Connecting+k.Connecting, u.Unacked+k.Unacked
	}
	return u
}

// whereMax bounds the relays that are named; what is behind more of them is a
// wider fault than their names would tell.
const whereMax = 16

// where names the relays that relationship i's unacked clients sit behind.
func (f *filters) where(i int) (names []string) {
	relays := f.user.UnackedRelays(i)
	if f.kernel != nil {
		relays = append(relays, f.kernel.UnackedRelays(i)...)
	}
	slices.SortFunc(relays, netip.Addr.Compare)
	relays = slices.Compact(relays)
	for _, r := range relays[:min(whereMax, len(relays))] {
		if r.IsUnspecified() {
			names = append(names, "no relay")
		} else {
			names = append(names, "relay "+r.String())
		}
	}
	return names
}

// partnership is package ha as a part of the server, and the lease commands
// that its partners use.
type partnership struct {
	core    *Core
	filters filters
	cfg     atomic.Pointer[config.Dhcp4]
	driver  atomic.Pointer[ha.Driver] // nil: no relationship is configured
}

// HighAvailability joins package ha to a server. kernel may be nil.
func HighAvailability(kernel KernelFilter) Joiner {
	return func(_ context.Context, c *Core, cfg *config.Dhcp4) (Joined, error) {
		p := &partnership{core: c, filters: filters{c.Engine.Filter(), kernel}}
		c.Engine.Filter().OnUnacked(p.Recount)
		if kernel != nil {
			kernel.OnUnacked(p.Recount)
		}
		leasecmds.Register(c.Registry, leasecmds.Options{Store: c.Store, Config: p.cfg.Load, Taking: p.taking, HidesReleased: p.hidesReleased, FromStart: p.fromStart,
			Refuses: p.refuses, RefusesDeletion: p.refusesDeletion, Passed: p.passed, Place: c.PlaceData})
		c.Owned.Set(p.reclaims)
		c.Metrics.MustRegister(relationshipMetrics{p})
		p.cfg.Store(cfg)
		return p, p.start(cfg)
	}
}

func (p *partnership) start(cfg *config.Dhcp4) error {
	if len(cfg.HA) == 0 {
		return nil
	}
	var marks string
	if cfg.LeaseDatabase.Persist {
		marks = storeDir(cfg.LeaseDatabase.Name)
	}
	d, err := ha.Start(ha.Options{
		MarkDir: marks,
		Config:  cfg, Store: p.core.Store, Scopes: &p.filters, Unacked: &p.filters,
		Registry: p.core.Registry, Status: p.core.Status, Network: p.core.Service,
		Where: p.filters.where,
		Log:   p.core.Log.With("logger", "ha-hooks"),
	})
	if err != nil {
		return err
	}
	p.driver.Store(d)
	return nil
}

// Recount has the machine look at relationship i now; a filter calls it when
// its unacked clients exceed the limit. The caller is a worker: it must not wait.
func (p *partnership) Recount(i int) {
	if d := p.driver.Load(); d != nil {
		d.Recount(i)
	}
}

func (p *partnership) taking(ctx context.Context, args *control.Arguments, a netip.Addr, change leasecmds.Change) error {
	if d := p.driver.Load(); d != nil {
		return d.Taking(ctx, args, a, change)
	}
	return leasecmds.TakeAll(ctx, args, a, change)
}

func (p *partnership) hidesReleased(ctx context.Context) bool {
	d := p.driver.Load()
	return d != nil && d.HidesReleased(ctx)
}

func (p *partnership) fromStart(ctx context.Context) {
	if d := p.driver.Load(); d != nil {
		d.FromStart(ctx)
	}
}

func (p *partnership) refuses(ctx context.Context, partner bool, have, got *leases.Lease) bool {
	d := p.driver.Load()
	return d != nil && d.Refuses(ctx, partner, have, got)
}

func (p *partnership) refusesDeletion(ctx context.Context, partner bool, have, got *leases.Lease) bool {
	d := p.driver.Load()
	return d != nil && d.RefusesDeletion(ctx, partner, have, got)
}

func (p *partnership) passed(ctx context.Context, partner bool, have, got *leases.Lease) bool {
	d := p.driver.Load()
	return d != nil && d.Passed(ctx, partner, have, got)
}

func (p *partnership) reclaims(l *leases.Lease) bool {
	d := p.driver.Load()
	return d == nil || d.Reclaims(l)
}

// Replicator implements Joined.
func (p *partnership) Replicator() slowpath.Replicator {
	if d := p.driver.Load(); d != nil {
		return d
	}
	return nil
}

// Reload implements Joined. Relationships that stay as they are keep their
// states and connections, and read their certificates again; any change begins
// all of them anew, as in Kea.
func (p *partnership) Reload(cfg *config.Dhcp4) error {
	old := p.cfg.Swap(cfg)
	if sameHA(old, cfg) {
		if d := p.driver.Load(); d != nil {
			return d.Renew()
		}
		return nil
	}
	p.Close()
	for i := len(cfg.HA); i < len(old.HA); i++ {
		p.filters.SetScope(i, scope.Scope{Enabled: true})
	}
	return p.start(cfg)
}

// Close implements Joined.
func (p *partnership) Close() error {
	if d := p.driver.Swap(nil); d != nil {
		d.Close()
	}
	return nil
}

// sameHA tells whether two configurations mean the same to package ha.
func sameHA(a, b *config.Dhcp4) bool {
	return reflect.DeepEqual(relationships(a), relationships(b)) &&
		reflect.DeepEqual(a.Needletail, b.Needletail) && a.ParkedPacketLimit == b.ParkedPacketLimit && a.ParkedGiven == b.ParkedGiven &&
		slices.EqualFunc(a.Subnets, b.Subnets, func(x, y *config.Subnet) bool {
			return x.ID == y.ID && x.HAServerName == y.HAServerName
		})
}

// relationships returns a copy without positions in the file.
func relationships(c *config.Dhcp4) []config.Relationship {
	var all []config.Relationship
	for _, r := range c.HA {
		plain := *r
		plain.At, plain.Peers = config.Position{}, nil
		for _, peer := range r.Peers {
			copied := *peer
			copied.At = config.Position{}
			plain.Peers = append(plain.Peers, &copied)
		}
		all = append(all, plain)
	}
	return all
}
