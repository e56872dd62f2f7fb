package server

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/config"
)

// reloadAsked is a reload after a signal: the outcome goes to the log.
func (s *Server) reloadAsked(ctx context.Context) {
	if err := s.reload(ctx); err != nil {
		s.log.Error("dynamic server reconfiguration failed with file: "+s.o.File, "id", "DHCP4_DYNAMIC_RECONFIGURATION_FAIL", "error", err)
	}
}

// reload puts the file's configuration in force, or leaves everything as it
// was. It is checked whole before the first part changes.
func (s *Server) reload(ctx context.Context) error {
	s.notify(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic()))
	defer s.notify("READY=1")
	s.log.Info("initiate server reconfiguration using file: "+s.o.File+", after receiving SIGHUP signal or config-reload command", "id", "DHCP4_DYNAMIC_RECONFIGURATION")
	next, err := s.o.load(s.log)
	if err != nil {
		return err
	}
	if err := prepare(next); err != nil {
		return err
	}
	if err := s.apply(ctx, next); err != nil {
		return err
	}
	s.reloaded.Store(time.Now().Unix())
	s.log.Info("dynamic server reconfiguration succeeded with file: "+s.o.File, "id", "DHCP4_DYNAMIC_RECONFIGURATION_SUCCESS")
	return nil
}

// apply changes part after part. A part that refuses has the others put back.
func (s *Server) apply(ctx context.Context, next *config.Dhcp4) error {
	old := s.cfg.Load()
	was, is := old.LeaseDatabase, next.LeaseDatabase
	was.At, is.At = config.Position{}, config.Position{} // moving a line in the file changes nothing
	if was != is || next.Needletail.Durability != old.Needletail.Durability {
		s.log.Warn("lease-database and durability change with a restart only; the old ones stay in force", "id", "DHCP4_CONFIG_LEASE_DATABASE_KEPT")
	}
	if err := s.logs.Configure(next.Loggers); err != nil {
		return err
	}
	if err := s.engine.Reload(next, s.ifs); err != nil {
		return s.back(ctx, old, err)
	}
	if err := s.listeners.set(ctx, next); err != nil {
		return s.back(ctx, old, err)
	}
	s.core.Service.ResetHA()
	for _, part := range s.joined {
		if err := part.Reload(next); err != nil {
			return s.back(ctx, old, err)
		}
	}
	s.cfg.Store(next)
	s.chooseReplicator()
	s.expiry.reload(ctx, next.Expired)
	_ = s.serveInterfaces(next) // an interface may be down: logged, and tried again
	return nil
}

// back returns to the former configuration after a part refused the new one.
func (s *Server) back(ctx context.Context, old *config.Dhcp4, why error) error {
	for _, undo := range []func() error{
		func() error { return s.logs.Configure(old.Loggers) },
		func() error { return s.engine.Reload(old, s.ifs) },
		func() error { return s.listeners.set(ctx, old) },
		func() error { return s.serveInterfaces(old) },
	} {
		if err := undo(); err != nil {
			s.log.Error("return to the former configuration", "error", err)
		}
	}
	for _, part := range s.joined {
		if err := part.Reload(old); err != nil {
			s.log.Error("return to the former configuration", "error", err)
		}
	}
	s.chooseReplicator()
	return why
}

// monotonic is what systemd compares a reload with, in microseconds.
func monotonic() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return ts.Nano() / 1000
}
