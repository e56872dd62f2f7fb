package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/internal/netif"
	"needletail/leases"
	"needletail/slowpath"
)

// workers runs one pump for each port of each set. The sets and pumps are
// there from start to stop; interfaces come and go below them.
type workers struct {
	engine     *slowpath.Engine
	store      *leases.Store
	service    *control.NetworkState
	partner    *replication
	health     *slowpath.Health
	traffic    slowpath.Traffic
	log        *slog.Logger
	clientPort uint16
	failed     chan struct{} // a pump gave up; of capacity 1

	sets   []PortSet // these two do not change after start
	pumps  []*slowpath.Pump
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// kernelPorts is the source that is always there. Another server port than 67
// (option -p, for tests) has ordinary UDP sockets only.
func (o *Options) kernelPorts(cfg *config.Dhcp4) (PortSet, error) {
	open := slowpath.OpenRaw
	if cfg.Interfaces.UDP || o.ServerPort != 0 {
		open = slowpath.OpenUDP
	}
	set, err := open(slowpath.PortOptions{
		Workers: workerCount(cfg), InFlight: cfg.Needletail.InFlightMax, Routing: cfg.Interfaces.OutboundRoute, ServerPort: o.ServerPort,
	})
	if err != nil {
		return nil, err
	}
	return set, nil
}

// workerCount is one worker for each CPU to be used.
func workerCount(cfg *config.Dhcp4) int {
	if n := len(cfg.Needletail.FastPath.CPUs); n > 0 {
		return n
	}
	return processors
}

// start opens the sets and sets a pump in motion on each port. On an error
// stop takes down what there is.
func (w *workers) start(ctx context.Context, cfg *config.Dhcp4, sources []PortSource) error {
	ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx)) // stop ends them, after whoever still sends
	for _, source := range sources {
		set, err := source(cfg)
		if err != nil {
			return fmt.Errorf("open ports: %w", err)
		}
		w.sets = append(w.sets, set)
		for i := range set.Workers() {
			w.pump(ctx, cfg, set, i)
		}
	}
	return nil
}

func (w *workers) pump(ctx context.Context, cfg *config.Dhcp4, set PortSet, i int) {
	o := slowpath.PumpOptions{
		Port: set.Worker(i), Handler: gate{w.engine.NewWorker(), w.service, w.clientPort}, Store: w.store,
		Replicator: w.partner, Health: w.health, Traffic: &w.traffic, InFlight: cfg.Needletail.InFlightMax, Log: w.log,
	}
	if cpus := cfg.Needletail.FastPath.CPUs; len(cpus) > 0 {
		o.Pin, o.CPU = true, cpus[i%len(cpus)]
	}
	p := slowpath.NewPump(o)
	w.pumps = append(w.pumps, p)
	w.ended.Go(func() {
		if err := p.Run(ctx); err != nil {
			w.log.Error("a worker gave up", "id", "DHCP4_WORKER_FAILED", "worker", i, "error", err)
			select {
			case w.failed <- struct{}{}:
			default: // known already
			}
		}
	})
}

// serve has all sets serve exactly these interfaces.
func (w *workers) serve(picked []netif.Picked) error {
	var errs []error
	for _, set := range w.sets {
		errs = append(errs, set.SetInterfaces(picked))
	}
	return errors.Join(errs...)
}

// tendEvery is how often sets are looked after that want it.
const tendEvery = time.Second

// tend looks after the sets that want it.
func (w *workers) tend() {
	for _, set := range w.sets {
		if t, ok := set.(tender); ok {
			t.Tend()
		}
	}
}

// stop ends the pumps, which send the replies in flight first, then the sets.
func (w *workers) stop() {
	if w.cancel != nil {
		w.cancel()
	}
	w.ended.Wait()
	for _, set := range w.sets {
		if err := set.Close(); err != nil {
			w.log.Error("close ports", "error", err)
		}
	}
}

// portStats sums all sets. Any goroutine.
func (w *workers) portStats() (sum slowpath.PortStats) {
	for _, set := range w.sets {
		s := set.Stats()
		sum.Add(&s)
	}
	return sum
}

// stats sums all pumps. Any goroutine.
func (w *workers) stats() (sum slowpath.PumpStats) {
	for _, p := range w.pumps {
		o := p.Stats()
		sum.Add(&o)
	}
	return sum
}
