package twin

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"needletail/fastpath"
	"needletail/internal/config"
	"needletail/internal/netif"
	"needletail/internal/netif/nettest"
	"needletail/internal/scope"
	"needletail/internal/transcript"
	"needletail/internal/transcript/wire"
	"needletail/leases"
	"needletail/slowpath"
)

// overXDP is a whole server as it runs: the program on its interfaces, an
// AF_XDP port for what that serves, packet sockets for what it passes, one
// engine behind both. The clients are in another namespace.
type overXDP struct {
	wire  *wire.Wire
	dir   string
	now   wire.Clock
	batch leases.Batch // of the step reclaim

	cfg    *config.Dhcp4
	ifs    []slowpath.Interface
	store  *leases.Store
	engine *slowpath.Engine
	path   *fastpath.Path
	kernel *slowpath.Ports
	stop   func() error
	byRing uint64 // queries that AF_XDP carried, of paths that are closed
}

func newOverXDP(t *testing.T) *overXDP {
	w, err := wire.Open(nettest.ForTest(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &overXDP{wire: w, dir: t.TempDir()}
	s.now.Set(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	t.Cleanup(func() {
		if s.stop != nil {
			if err := s.stop(); err != nil {
				t.Error(err)
			}
		}
		w.Close()
	})
	return s
}

func (s *overXDP) Start(doc []byte, ifs []transcript.Interface) (err error) {
	if s.cfg, err = config.Parse("transcript", doc); err != nil {
		return err
	}
	for _, i := range ifs {
		index, err := s.wire.Connect(i)
		if err != nil {
			return err
		}
		s.ifs = append(s.ifs, slowpath.Interface{Name: i.Name, Index: index, Addrs: i.Addrs})
	}
	return s.open()
}

// open starts store, engine, ports and pumps.
func (s *overXDP) open() (err error) {
	s.store, err = leases.Open(context.Background(), leases.Options{Dir: s.dir, Durability: leases.None, Clock: &s.now})
	if err != nil {
		return err
	}
	if s.engine, err = slowpath.NewEngine(s.cfg, s.store, s.ifs); err != nil {
		return err
	}
	if err := s.wire.Server.Do(s.openPorts); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	for _, port := range []slowpath.Port{s.path.Worker(0), s.kernel.Worker(0)} {
		p := slowpath.NewPump(slowpath.PumpOptions{Port: port, Handler: s.engine.NewWorker(), Store: s.store, Clock: &s.now})
		go func() { ended <- p.Run(ctx) }()
	}
	s.stop = func() error {
		cancel()
		s.stop = nil
		err := errors.Join(<-ended, <-ended)
		s.byRing += s.path.Worker(0).Stats().Received
		return errors.Join(err, s.path.Close(), s.kernel.Close(), s.store.Close())
	}
	return nil
}

// openPorts opens both kinds of port on every interface.
func (s *overXDP) openPorts() (err error) {
	var patterns []netif.Pattern
	for _, i := range s.ifs {
		patterns = append(patterns, netif.Pattern{Name: i.Name})
	}
	all, err := netif.List()
	if err != nil {
		return err
	}
	picked, _ := netif.Pick(all, patterns)
	s.kernel, err = slowpath.OpenRaw(slowpath.PortOptions{Interfaces: picked, Routing: s.cfg.Interfaces.OutboundRoute})
	if err != nil {
		return err
	}
	if s.path, err = fastpath.Open(fastpath.Config{XDP: fastpath.Native, Workers: 1}); err != nil {
		return err
	}
	if err := s.tell(); err != nil {
		return err
	}
	return s.path.SetInterfaces(picked)
}

// tell gives the program what the configuration says.
func (s *overXDP) tell() error {
	if len(s.cfg.HA) == 0 {
		s.path.SetScope(0, scope.Scope{Enabled: true})
	}
	return s.path.SetRelationships(max(len(s.cfg.HA), 1), fastpath.Subnets(s.engine.Territory()))
}

func (s *overXDP) Restart() error {
	if err := s.stop(); err != nil {
		return err
	}
	return s.open()
}

func (s *overXDP) Reload(doc []byte) (err error) {
	if s.cfg, err = config.Parse("transcript", doc); err != nil {
		return err
	}
	if err := s.engine.Reload(s.cfg, s.ifs); err != nil {
		return err
	}
	return s.tell()
}

func (s *overXDP) Advance(d time.Duration) error {
	s.now.Advance(d)
	return nil
}

// Do sets scopes on both sides and adds up what both counted.
func (s *overXDP) Do(step transcript.Step) ([]string, error) {
	switch step.Verb {
	case "leases":
		return transcript.Leases(s.store), nil
	case "reclaim":
		return s.reclaim()
	case "scope":
		i, sc := step.Scope()
		s.engine.Filter().SetScope(i, sc)
		s.path.SetScope(i, sc)
		return nil, nil
	case "unacked":
		return transcript.Unacked(s.engine.Filter().Unacked(0), s.path.Unacked(0)), nil
	}
	return nil, fmt.Errorf("%w: %s", transcript.ErrCannot, step.Verb)
}

func (s *overXDP) reclaim() ([]string, error) {
	s.batch.Reset()
	n, _ := s.store.Reclaim(&s.batch, s.now.Now(), 1000, nil)
	return []string{fmt.Sprintf("reclaimed %d", n)}, s.store.Write(&s.batch)
}
