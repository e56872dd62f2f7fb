package fastpath

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"

	"needletail/bpf"
	"needletail/internal/netif"
	"needletail/internal/scope"
)

const relationshipsMax = scope.RelationshipsMax

// Path is the loaded program on any number of interfaces, and the maps they
// share. Its methods may be called from any goroutine.
type Path struct {
	cfg        Config
	maps       shared
	spec       *ebpf.CollectionSpec
	verdicts   []string
	ports      []*Port
	neighbours *netif.Neighbours
	router     *router

	events  *ringbuf.Reader
	watched chan struct{} // closed when the watcher has ended

	mu       sync.Mutex // guards what follows; held while programs are loaded and attached
	sides    map[string]*side
	features *netif.XDPFeatures // nil: live frames are not wanted
	told     map[string]string  // interface: what was last logged of it
	off      map[string]string  // interface to be served that has no program: why

	// Apart, so that a failover never waits for an interface.
	scopesMu sync.Mutex // guards scopes and the maps they describe
	scopes   [relationshipsMax]published
}

// Open loads the maps and makes the ports. The program reaches an interface
// with SetInterfaces; before that every relationship should have its scope,
// because queries of one without are passed, not judged.
func Open(c Config) (_ *Path, err error) {
	p := &Path{sides: make(map[string]*side), told: make(map[string]string), off: make(map[string]string)}
	if p.cfg, err = c.normal(); err != nil {
		return nil, err
	}
	if err := able(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			for _, port := range p.ports {
				port.Close()
			}
			p.Close()
		}
	}()
	if err := p.load(); err != nil {
		return nil, err
	}
	if err := p.openPorts(); err != nil {
		return nil, err
	}
	p.openFeatures()
	if p.events, err = ringbuf.NewReader(p.maps.Events); err != nil {
		return nil, fmt.Errorf("watch for unacked clients: %w", err)
	}
	p.watched = make(chan struct{})
	go p.watch()
	return p, nil
}

func (p *Path) load() error {
	// Kernels before 5.11 charged maps to the memlock limit; failing is harmless.
	_ = rlimit.RemoveMemlock()
	spec, err := bpf.Spec()
	if err != nil {
		return err
	}
	p.spec = spec
	if p.verdicts, err = bpf.VerdictNames(spec); err != nil {
		return err
	}
	if err := spec.LoadAndAssign(&p.maps, nil); err != nil {
		return explainLoad(err)
	}
	return p.maps.setRelationships(p.cfg.Relationships)
}

func (p *Path) openPorts() (err error) {
	if p.cfg.AFXDP == Off {
		return nil
	}
	if p.neighbours, err = netif.OpenNeighbours(); err != nil {
		return err
	}
	if p.router, err = openRouter(); err != nil {
		return err
	}
	workers := p.cfg.Workers
	if workers == 0 {
		if workers, err = p.queuesMost(); err != nil {
			return err
		}
	}
	for i := range workers {
		err := near(p.CPU(i), func() error {
			port, err := newPort(p.cfg, p.neighbours, p.router)
			if err == nil {
				p.ports = append(p.ports, port)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// queuesMost returns how many queues need a worker of their own.
func (p *Path) queuesMost() (int, error) {
	if len(p.cfg.Queues) > 0 {
		return len(p.cfg.Queues), nil
	}
	all, err := netif.List()
	if err != nil {
		return 0, err
	}
	most := 1
	for i := range all {
		if d, err := netif.Ethtool(all[i].Name); err == nil && !all[i].Loopback {
			most = max(most, d.Queues)
		}
	}
	return most, nil
}

// Workers returns the number of ports; 0 with AF_XDP off.
func (p *Path) Workers() int { return len(p.ports) }

// Worker returns a port. One goroutine owns it and closes it.
func (p *Path) Worker(i int) *Port { return p.ports[i] }

// NeighboursLost is how often changes of the neighbour table were lost and it was
// read anew. Any goroutine.
func (p *Path) NeighboursLost() uint64 {
	if p.neighbours == nil {
		return 0
	}
	return p.neighbours.Lost()
}

// CPU returns the processor that worker i should run on, -1 for any.
func (p *Path) CPU(i int) int {
	if len(p.cfg.CPUs) == 0 {
		return -1
	}
	return p.cfg.CPUs[i%len(p.cfg.CPUs)]
}

// Close detaches the program everywhere and frees everything but ports that
// are still in use: those end with their own Close.
func (p *Path) Close() error {
	var errs []error
	p.mu.Lock()
	if p.features != nil {
		p.features.Close()
		p.features = nil
	}
	for name := range p.sides {
		errs = append(errs, p.detach(name))
	}
	p.mu.Unlock()
	if p.events != nil {
		errs = append(errs, p.events.Close())
		if p.watched != nil {
			<-p.watched
		}
	}
	if p.neighbours != nil {
		p.neighbours.Close()
	}
	if p.router != nil {
		errs = append(errs, p.router.Close())
	}
	errs = append(errs, p.maps.Close())
	return errors.Join(errs...)
}
