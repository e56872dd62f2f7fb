package slowpath

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"needletail/internal/config"
	"needletail/leases"
)

// Interface is one network interface that queries come in by.
type Interface struct {
	Name  string
	Index int
	Addrs []netip.Addr // IPv4; the first is the server identifier of broadcast queries
}

// Engine answers DHCP queries by one configuration over one lease store. All
// methods may be called from any goroutine.
type Engine struct {
	store  *leases.Store
	filter *Filter
	plan   atomic.Pointer[plan] // replaced whole, never changed

	mu      sync.Mutex // guards what follows, and Reload and SetInterfaces as a whole
	cfg     *config.Dhcp4
	ifs     []Interface
	workers []*Worker
}

// Check returns what NewEngine would refuse of a configuration. It opens nothing.
func Check(cfg *config.Dhcp4) error {
	p, err := compile(cfg, nil)
	if err != nil {
		return err
	}
	for i, n := range p.leased() {
		if err := leases.Check([]leases.Network{n}); err != nil {
			return config.Problems{{At: cfg.Networks[i].At, Text: err.Error()}}
		}
	}
	return nil
}

// NewEngine compiles cfg and tells the store what can be leased. An error
// names the place in the configuration; the store is then as it was.
func NewEngine(cfg *config.Dhcp4, store *leases.Store, ifs []Interface) (*Engine, error) {
	e := &Engine{store: store}
	e.filter = newFilter(e)
	if err := e.Reload(cfg, ifs); err != nil {
		return nil, err
	}
	return e, nil
}

// Reload replaces configuration and interfaces. Queries under way finish with
// the former one; leases are kept. On error nothing has changed.
func (e *Engine) Reload(cfg *config.Dhcp4, ifs []Interface) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, err := compile(cfg, ifs)
	if err != nil {
		return err
	}
	// Indexes of networks and subnets are the plan's and the store's alike, so
	// both change while no worker is inside Handle.
	for _, w := range e.workers {
		w.mu.Lock()
		defer w.mu.Unlock()
	}
	e.store.SetLeaseChecks(p.checks)
	if err := e.store.Configure(p.leased()); err != nil {
		return err
	}
	e.store.SetTimes(p.times())
	e.cfg, e.ifs = cfg, ifs
	e.plan.Store(p)
	return nil
}

// SetInterfaces tells the engine the interfaces and addresses of the moment.
// Leases and configuration are not touched.
func (e *Engine) SetInterfaces(ifs []Interface) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, err := compile(e.cfg, ifs)
	if err != nil {
		return err
	}
	e.ifs = ifs
	e.plan.Store(p)
	return nil
}

// Filter returns the filter all workers apply; it lives as long as the engine
// and keeps its scopes over a reload.
func (e *Engine) Filter() *Filter { return e.filter }

// NewWorker returns a Worker with scratch of its own. It stays known to the
// engine (for Stats) for good, so workers are made once.
func (e *Engine) NewWorker() *Worker {
	w := &Worker{engine: e}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.workers = append(e.workers, w)
	return w
}
