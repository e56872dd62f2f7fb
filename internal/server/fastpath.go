package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"sync/atomic"

	"needletail/fastpath"
	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/internal/netif"
	"needletail/internal/scope"
	"needletail/slowpath"
)

// FastPath is package fastpath as a part of the server: a filter in the driver
// for package ha, and a set of ports for the workers. Without XDP it is there
// and does nothing. Its path is opened by Join and does not change after.
type FastPath struct {
	core    *Core
	log     *slog.Logger
	path    *fastpath.Path // nil: no fast path
	why     string         // there is none
	started config.FastPath
	wake    atomic.Pointer[func(int)]
}

var _ slowpath.Port = (*fastpath.Port)(nil)

// Join implements Joiner. It must come before HighAvailability. A fast path
// that is not insisted on and cannot be had is one warning.
func (f *FastPath) Join(_ context.Context, c *Core, cfg *config.Dhcp4) (Joined, error) {
	f.core, f.log, f.started = c, c.Log.With("logger", "fastpath"), cfg.Needletail.FastPath
	want := cfg.Needletail.FastPath
	c.Status.Section("fast-path", func() any { return f.report() })
	if want.XDP == fastpath.Off {
		f.why = "the configuration says so"
		return f, nil
	}
	path, err := fastpath.Open(fastpath.Config{
		XDP: want.XDP, AFXDP: want.AFXDP, Send: want.Send, Queues: want.Queues, CPUs: want.CPUs, Workers: queueWorkers(cfg),
		Replies: cfg.Needletail.InFlightMax + slowpath.BatchMax + 1, OnUnacked: f.unacked, Log: f.log,
	})
	switch {
	case err == nil:
	case !f.insists():
		f.why = err.Error()
		f.log.Warn("no fast path; kernel sockets serve", "id", "NEEDLETAIL_FASTPATH_OFF", "reason", err)
		return f, nil
	default:
		return nil, err
	}
	f.path = path
	if err := c.Metrics.Register(verdicts{path}); err != nil {
		path.Close()
		return nil, err
	}
	if err := f.Reload(cfg); err != nil {
		path.Close()
		return nil, err
	}
	return f, nil
}

// errInsisted: an interface lacks what the configuration asks for by name.
var errInsisted = errors.New("the fast path cannot be had as asked for")

// insists tells whether the server is not to start without a fast path.
func (f *FastPath) insists() bool {
	return f.started.XDP == fastpath.Native || f.started.XDP == fastpath.Generic
}

// unacked passes on that a relationship's unacked clients exceed its limit.
func (f *FastPath) unacked(i int) {
	if wake := f.wake.Load(); wake != nil {
		(*wake)(i)
	}
}

// OnUnacked implements KernelFilter.
func (f *FastPath) OnUnacked(wake func(i int)) { f.wake.Store(&wake) }

// SetScope implements KernelFilter.
func (f *FastPath) SetScope(i int, s scope.Scope) {
	if f.path != nil {
		f.path.SetScope(i, s)
	}
}

// Unacked implements KernelFilter.
func (f *FastPath) Unacked(i int) scope.Unacked {
	if f.path == nil {
		return scope.Unacked{}
	}
	return f.path.Unacked(i)
}

// UnackedRelays implements KernelFilter.
func (f *FastPath) UnackedRelays(i int) []netip.Addr {
	if f.path == nil {
		return nil
	}
	return f.path.UnackedRelays(i)
}

// Replicator implements Joined.
func (f *FastPath) Replicator() slowpath.Replicator { return nil }

// Reload implements Joined: it tells the program which relationship a query
// belongs to. How the program is attached changes with a restart only.
func (f *FastPath) Reload(cfg *config.Dhcp4) error {
	if !reflect.DeepEqual(f.started, cfg.Needletail.FastPath) {
		f.log.Warn("fast-path changes with a restart only; the old one stays in force", "id", "NEEDLETAIL_FASTPATH_KEPT")
	}
	if f.path == nil {
		return nil
	}
	if len(cfg.HA) == 0 {
		f.path.SetScope(0, scope.Scope{Enabled: true})
	}
	return f.path.SetRelationships(max(len(cfg.HA), 1), f.subnets())
}

// subnets is what the engine's configuration says of places.
func (f *FastPath) subnets() fastpath.Subnets {
	t := f.core.Engine.Territory()
	return fastpath.Subnets{Prefixes: t.Prefixes, Interfaces: t.Interfaces}
}

// Close implements Joined. The ports have ended with their workers.
func (f *FastPath) Close() error {
	if f.path == nil {
		return nil
	}
	return f.path.Close()
}

// Ports is a PortSource.
func (f *FastPath) Ports(*config.Dhcp4) (PortSet, error) { return fastPorts{f}, nil }

// fastPorts are the ports of a FastPath.
type fastPorts struct{ f *FastPath }

// Workers implements PortSet.
func (p fastPorts) Workers() int {
	if p.f.path == nil {
		return 0
	}
	return p.f.path.Workers()
}

// Worker implements PortSet.
func (p fastPorts) Worker(i int) slowpath.Port { return p.f.path.Worker(i) }

// SetInterfaces implements PortSet. The engine knows the interfaces already.
func (p fastPorts) SetInterfaces(picked []netif.Picked) error {
	if p.f.path == nil {
		return nil
	}
	if p.f.core.Engine.Relationships() > 1 {
		if err := p.f.path.SetSubnets(p.f.subnets()); err != nil {
			return err
		}
	}
	err := p.f.path.SetInterfaces(picked)
	if err != nil && p.f.insists() {
		return fmt.Errorf("%w (xdp: %s): %w", errInsisted, p.f.started.XDP, err)
	}
	return err
}

// Tend implements tender.
func (p fastPorts) Tend() {
	if p.f.path != nil {
		p.f.path.Tend()
	}
}

// Stats implements PortSet.
func (p fastPorts) Stats() (sum slowpath.PortStats) {
	if p.f.path != nil {
		sum.NeighboursLost = p.f.path.NeighboursLost()
	}
	for i := range p.Workers() {
		s := p.f.path.Worker(i).Stats()
		sum.Add(&slowpath.PortStats{
			Received: s.Received, Sent: s.Sent, SendFailed: s.SendFailed, Unroutable: s.Unroutable,
			NoBuffer: s.NoBuffer, NotForUs: s.NotForUs, KernelDrops: s.KernelDrops, Neighbours: s.Neighbours, KernelRouted: s.KernelRouted, Faults: [frame.FaultCount]uint64(s.Faults),
		})
	}
	return sum
}

// Close implements PortSet: the path goes with its part.
func (p fastPorts) Close() error { return nil }
