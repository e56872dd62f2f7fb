package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/internal/logging"
	"needletail/internal/netif"
	"needletail/leases"
	"needletail/slowpath"

	"github.com/prometheus/client_golang/prometheus"
)

// Server is one running appliance. Its loop goroutine (serve) owns every field
// that no comment gives to another.
type Server struct {
	o         Options
	logs      *logging.Log
	log       *slog.Logger
	store     *leases.Store
	engine    *slowpath.Engine
	core      *Core
	joined    []Joined
	partner   replication
	workers   *workers
	expiry    *expiry
	listeners *listeners
	began     time.Time
	ifs       []slowpath.Interface // as the engine knows them

	cfg        atomic.Pointer[config.Dhcp4] // in force; read by commands
	reloaded   atomic.Int64                 // unix s of the last reload
	unserved   atomic.Pointer[[]string]     // why clients are not reached, by the last look at interfaces
	eventsLost atomic.Uint64                // times that changes of interfaces were lost, and looked for
	retrying   atomic.Bool                  // what is unserved will be tried again; the loop writes it
	requests   chan request                 // from commands to the loop
	quit       context.CancelFunc           // ends the loop, from the shutdown command

	undo []func() // run last to first by stop
}

// request is a command that the loop must carry out.
type request struct {
	what   func() error
	answer chan error // of capacity 1
}

// Run starts a server, serves until ctx ends or a shutdown command, and stops
// it. The error of a configuration that is refused is a *RefusedError.
func Run(ctx context.Context, o Options) error {
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	addProcessors()
	s, err := start(ctx, quit, o)
	if err != nil {
		return err
	}
	err = s.serve(ctx)
	s.stop()
	return err
}

// start brings everything up in order; on an error all is down again.
func start(ctx context.Context, quit context.CancelFunc, o Options) (_ *Server, err error) {
	s := &Server{o: o, began: time.Now(), requests: make(chan request), quit: quit}
	s.logs = logging.New(o.Stdout, o.Stderr, o.Debug)
	s.log = s.logs.Logger().With("logger", "dhcp4")
	defer func() {
		if err != nil {
			s.undoAll()
		}
	}()
	if err := s.logs.SendTo(o.LogTo); err != nil {
		return nil, err
	}
	s.later(func() { s.logs.Close() })
	s.log.Info("needletail DHCPv4 server version "+o.Version+" starting", "id", "DHCP4_STARTING")
	cfg, err := o.load(s.log)
	if err != nil {
		return nil, err
	}
	s.cfg.Store(cfg)
	if err := prepare(cfg); err != nil {
		return nil, &RefusedError{err}
	}
	for _, step := range []func(context.Context, *config.Dhcp4) error{
		s.openLog, s.claimPID, s.openStore, s.makeEngine, s.join, s.openWorkers, s.openListeners, s.openInterfaces,
	} {
		if err := step(ctx, cfg); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Server) later(f func()) { s.undo = append(s.undo, f) }

func (s *Server) undoAll() {
	for i := len(s.undo) - 1; i >= 0; i-- {
		s.undo[i]()
	}
	s.undo = nil
}

func (s *Server) openLog(_ context.Context, cfg *config.Dhcp4) error {
	return s.logs.Configure(cfg.Loggers)
}

func (s *Server) claimPID(context.Context, *config.Dhcp4) error {
	if !s.o.PIDFile {
		return nil
	}
	remove, err := writePIDFile(pidFileName(s.o.Dirs.PID.Path, s.o.File))
	if err != nil {
		return err
	}
	s.later(remove)
	return nil
}

func (s *Server) openStore(ctx context.Context, cfg *config.Dhcp4) error {
	if cfg.LeaseDatabase.Persist {
		s.log.Info("opening the lease database", "id", "DHCPSRV_STORE_DB", "dir", storeDir(cfg.LeaseDatabase.Name), "durability", cfg.Needletail.Durability)
	} else {
		s.log.Warn("running in non-persistent mode, leases will be lost after restart", "id", "DHCPSRV_MEMFILE_NO_STORAGE")
	}
	store, err := openStore(ctx, cfg, s.logs.Logger(), false)
	if err != nil {
		return err
	}
	s.store = store
	s.later(func() {
		if err := store.Close(); err != nil {
			s.log.Error("close the lease database", "error", err)
		}
	})
	return nil
}

func (s *Server) makeEngine(_ context.Context, cfg *config.Dhcp4) (err error) {
	if s.engine, err = slowpath.NewEngine(cfg, s.store, nil); err != nil {
		return err
	}
	s.core = &Core{
		Store: s.store, Engine: s.engine, Registry: control.NewRegistry(), Status: control.NewStatus(),
		Service: control.NewNetworkState(control.AfterFunc), Metrics: prometheus.NewRegistry(), Owned: new(Owned), Log: s.logs.Logger(),
		PlaceData: s.o.Dirs.placeData,
	}
	s.later(s.core.Service.Stop)
	s.expiry = newExpiry(s.store, s.core.Owned.has, s.logs.Logger())
	s.workers = &workers{
		engine: s.engine, store: s.store, service: s.core.Service, partner: &s.partner,
		health: slowpath.NewHealth(s.logs.Logger().With("logger", "leases")), log: s.log, clientPort: s.o.ClientPort, failed: make(chan struct{}, 1),
	}
	for _, c := range []prometheus.Collector{&collector{s.engine, s.workers, &s.eventsLost}, &portCollector{s.workers}, &storeCollector{s.store}} {
		if err := s.core.Metrics.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) join(ctx context.Context, cfg *config.Dhcp4) error {
	s.registerCommands() // first: high availability replaces dhcp-disable and dhcp-enable
	for _, j := range s.o.Joiners {
		part, err := j(ctx, s.core, cfg)
		if err != nil {
			return err
		}
		s.joined = append(s.joined, part)
		s.later(func() {
			if err := part.Close(); err != nil {
				s.log.Error("stop a part", "error", err)
			}
		})
	}
	s.chooseReplicator()
	return nil
}

func (s *Server) chooseReplicator() {
	s.partner.set(nil)
	for _, part := range s.joined {
		if r := part.Replicator(); r != nil {
			s.partner.set(r)
		}
	}
}

func (s *Server) openListeners(ctx context.Context, cfg *config.Dhcp4) error {
	s.listeners = &listeners{registry: s.core.Registry, metrics: s.core.Metrics, log: s.logs.Logger().With("logger", "commands")}
	if err := s.listeners.set(ctx, cfg); err != nil {
		return err
	}
	s.later(s.listeners.close)
	return nil
}

func (s *Server) openWorkers(ctx context.Context, cfg *config.Dhcp4) error {
	s.later(s.workers.stop)
	sources := append([]PortSource{s.o.kernelPorts}, s.o.Ports...)
	return s.workers.start(ctx, cfg, sources)
}

// openInterfaces comes last: from here on clients are answered.
func (s *Server) openInterfaces(_ context.Context, cfg *config.Dhcp4) error {
	err := s.serveInterfaces(cfg)
	switch {
	case errors.Is(err, errInsisted):
		return err
	case err != nil && cfg.Interfaces.RequireAll && cfg.Interfaces.RetryMax == 0:
		return fmt.Errorf("service-sockets-require-all: %w", err)
	}
	return nil
}

// serveInterfaces looks at the interfaces of the moment and serves what the
// configuration wants of them. What cannot be served is logged and returned.
func (s *Server) serveInterfaces(cfg *config.Dhcp4) error {
	n, err := s.servePicked(cfg)
	why := reasons(err)
	if err != nil {
		s.log.Warn("failed to open sockets on all interfaces", "id", "DHCPSRV_OPEN_SOCKET_FAIL", "error", err)
	}
	if n == 0 {
		const none = "no interface configured to listen to DHCP traffic"
		s.log.Warn(none, "id", "DHCPSRV_NO_SOCKETS_OPEN")
		if len(cfg.Interfaces.Names) > 0 {
			why = append(why, none)
		}
	}
	s.unserved.Store(&why)
	return err
}

// servePicked returns how many interfaces there are to serve, and what of them
// and of those that are missing is not served.
func (s *Server) servePicked(cfg *config.Dhcp4) (int, error) {
	all, err := netif.List()
	if err != nil {
		return 0, err
	}
	picked, missing := netif.Pick(all, patterns(cfg))
	s.ifs = engineInterfaces(picked)
	if err := s.engine.SetInterfaces(s.ifs); err != nil {
		return len(picked), err
	}
	err = s.workers.serve(picked)
	for _, m := range missing {
		err = errors.Join(err, fmt.Errorf("serve interface %s: %w", m, netif.ErrNoInterface))
	}
	return len(picked), err
}

// reasons takes joined errors apart.
func reasons(err error) (all []string) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	for _, e := range joined.Unwrap() {
		all = append(all, reasons(e)...)
	}
	return all
}

func patterns(cfg *config.Dhcp4) []netif.Pattern {
	ps := make([]netif.Pattern, len(cfg.Interfaces.Names))
	for i, n := range cfg.Interfaces.Names {
		ps[i] = netif.Pattern{Name: n.Name, Addr: n.Addr}
	}
	return ps
}

func engineInterfaces(picked []netif.Picked) []slowpath.Interface {
	var list []slowpath.Interface
	for _, p := range picked {
		i := slowpath.Interface{Name: p.Name, Index: p.Index}
		if i.Addrs = p.Only; len(i.Addrs) == 0 {
			for _, a := range p.Addresses {
				i.Addrs = append(i.Addrs, a.Addr())
			}
		}
		list = append(list, i)
	}
	return list
}

// stop takes everything down in reverse.
func (s *Server) stop() {
	s.notify("STOPPING=1")
	s.log.Info("server shutdown", "id", "DHCP4_SHUTDOWN")
	s.undoAll()
}

func (s *Server) notify(state string) {
	if s.o.Notify != nil {
		s.o.Notify(state)
	}
}

var errStopping = errors.New("the server is stopping")
