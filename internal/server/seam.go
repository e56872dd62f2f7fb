package server

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/internal/netif"
	"needletail/leases"
	"needletail/slowpath"

	"github.com/prometheus/client_golang/prometheus"
)

// Core is what a running server offers to a part that joins it.
type Core struct {
	Store    *leases.Store
	Engine   *slowpath.Engine
	Registry *control.Registry
	Status   *control.Status       // for a section of status-get
	Service  *control.NetworkState // the switch of DHCP service
	Metrics  *prometheus.Registry  // for collectors of its own
	Owned    *Owned                // which expired leases are ours to reclaim
	// PlaceData tells where a command may write a file of leases, or why not.
	PlaceData func(filename string) (string, error)
	Log       *slog.Logger
}

// Owned tells which expired leases this server reclaims: all of them, unless a
// part says otherwise.
type Owned struct {
	by atomic.Pointer[func(*leases.Lease) bool]
}

// Set makes a part the judge; any goroutine may call by.
func (o *Owned) Set(by func(*leases.Lease) bool) { o.by.Store(&by) }

func (o *Owned) has(l *leases.Lease) bool {
	by := o.by.Load()
	return by == nil || (*by)(l)
}

// Joiner makes a part once the engine stands, before the first query. On an
// error it has left nothing behind.
type Joiner func(ctx context.Context, c *Core, cfg *config.Dhcp4) (Joined, error)

// Joined is a part in service.
type Joined interface {
	// Replicator is asked again after each Reload; nil replicates nothing.
	Replicator() slowpath.Replicator
	// Reload takes a new configuration, already in force in the engine.
	Reload(cfg *config.Dhcp4) error
	// Close stops the part. The workers have ended before.
	Close() error
}

// PortSet is a number of ports that serve the same interfaces. *slowpath.Ports
// is one (kernel sockets); the fast path brings another.
type PortSet interface {
	Workers() int
	Worker(i int) slowpath.Port // closed by its pump
	// SetInterfaces serves exactly these. What cannot be served is named in
	// the error; the others are.
	SetInterfaces(picked []netif.Picked) error
	Stats() slowpath.PortStats
	Close() error // after the pumps have ended
}

// A tender is a PortSet with something to look after that no event tells of.
type tender interface{ Tend() }

// PortSource opens a set without interfaces yet. Sets of several sources serve
// side by side: the fast path takes frames in the driver, kernel sockets take
// what it passes.
type PortSource func(cfg *config.Dhcp4) (PortSet, error)

// replication hands batches to the part that replicates now. Workers keep this
// value for good, so a reload can add, change or remove high availability
// under them.
type replication struct {
	now atomic.Pointer[slowpath.Replicator]
}

func (r *replication) set(to slowpath.Replicator) {
	if to == nil {
		r.now.Store(nil)
		return
	}
	r.now.Store(&to)
}

// Replicate implements slowpath.Replicator.
func (r *replication) Replicate(b *leases.Batch, done func(*leases.Batch)) bool {
	to := r.now.Load()
	return to != nil && (*to).Replicate(b, done)
}

// TakenOverAfter implements slowpath.Replicator.
func (r *replication) TakenOverAfter() time.Duration {
	if to := r.now.Load(); to != nil {
		return (*to).TakenOverAfter()
	}
	return 0
}
