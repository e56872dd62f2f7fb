package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"needletail/internal/netif"
)

// serve is the server's loop. Everything that changes the server while it runs
// happens here: reloads, interfaces that come and go, retries, the look after
// ports and memory that no event tells of.
func (s *Server) serve(ctx context.Context) error {
	var busy sync.WaitGroup
	defer busy.Wait()
	defer s.quit()
	cfg := s.cfg.Load()
	busy.Go(func() { s.expiry.run(ctx, cfg.Expired) })
	changes, err := netif.Watch(ctx, &s.eventsLost)
	if err != nil {
		return err
	}
	var heap garbage
	s.log.Info("needletail DHCPv4 server version "+s.o.Version+" started", "id", "DHCP4_STARTED")
	s.notify("READY=1\nSTATUS=serving")
	retry := s.newRetry(cfg)
	tend := time.NewTicker(tendEvery)
	defer tend.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.o.Reload:
			s.reloadAsked(ctx)
			retry = s.newRetry(s.cfg.Load())
		case r := <-s.requests:
			r.answer <- r.what()
			retry = s.newRetry(s.cfg.Load())
		case <-s.o.Watchdog:
			s.notify("WATCHDOG=1")
		case _, ok := <-changes:
			if !ok { // ctx ended
				return nil
			}
			s.interfacesChanged()
		case <-tend.C:
			s.workers.tend()
			heap.tend()
		case <-s.workers.failed:
			return errPortFailed
		case <-retry.tick:
			if err := retry.next(s.serveInterfaces(s.cfg.Load())); err != nil {
				return err
			}
		}
	}
}

// interfacesChanged follows interfaces and addresses that come and go, if the
// configuration wants that. What fails has been logged.
func (s *Server) interfacesChanged() {
	if cfg := s.cfg.Load(); cfg.Interfaces.ReDetect {
		_ = s.serveInterfaces(cfg)
	}
}

// errPortFailed ends the server: the service manager starts it anew, with new
// ports, which is the one thing sure to help.
var errPortFailed = errors.New("a worker's port failed (see the log)")
