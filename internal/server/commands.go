package server

import (
	"context"
	"encoding/json"
	"os"
	"runtime/debug"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
)

// registerCommands adds the server's own commands. Parts that join add theirs.
func (s *Server) registerCommands() {
	r := s.core.Registry
	r.Register("version-get", func(context.Context, *control.Arguments) control.Response {
		return control.Response{Text: s.o.Version, Arguments: map[string]string{"extended": ExtendedVersion(s.o.Version)}}
	})
	r.Register("build-report", func(context.Context, *control.Arguments) control.Response {
		return control.Response{Text: BuildReport(s.o.Version)}
	})
	r.Register("config-get", s.configGet)
	r.Register("config-hash-get", s.configHash)
	r.Register("config-test", s.configTest)
	r.Register("config-reload", s.configReload)
	r.Register("server-tag-get", func(context.Context, *control.Arguments) control.Response {
		return control.Response{Arguments: map[string]string{"server-tag": s.cfg.Load().ServerTag}}
	})
	r.Register("shutdown", s.shutdown)
	r.Register("leases-reclaim", s.reclaim)
	s.core.Service.Register(r)
	s.registerStatistics(r)
	s.registerStatus()
}

func (s *Server) registerStatus() {
	st := s.core.Status
	st.Section("pid", func() any { return os.Getpid() })
	st.Section("uptime", func() any { return int64(time.Since(s.began).Seconds()) })
	st.Section("reload", func() any {
		if at := s.reloaded.Load(); at != 0 {
			return time.Now().Unix() - at
		}
		return int64(time.Since(s.began).Seconds())
	})
	threadingStatus(st, s.cfg.Load)
	st.Section("sockets", s.socketStatus)
	st.Section("dhcp-state", s.core.Service.State)
	st.Section("needletail", func() any {
		return map[string]any{"durability": s.cfg.Load().Needletail.Durability, "leases-writable": !s.workers.health.Failing()}
	})
	st.Register(s.core.Registry)
}

// noQueue is the mean length of a queue that does not exist, in Kea over the last
// 10, 100 and 1000 queries: here a query waits in its socket and nowhere else.
// Kea writes numbers with a point, and a reader may insist on them.
var noQueue = json.RawMessage(`[0.0,0.0,0.0]`)

// threadingStatus reports multi-threading as Kea does (Kea:
// ctrl_dhcp4_srv.cc): as configured, and no more of it where it is off.
func threadingStatus(st *control.Status, now func() *config.Dhcp4) {
	st.Section("multi-threading-enabled", func() any { return now().Threading.Enabled })
	for name, value := range map[string]func(*config.Dhcp4) any{
		"thread-pool-size": func(c *config.Dhcp4) any {
			if c.Threading.PoolSize > 0 {
				return c.Threading.PoolSize
			}
			return workerCount(c)
		},
		"packet-queue-size":       func(c *config.Dhcp4) any { return c.Threading.QueueSize },
		"packet-queue-statistics": func(*config.Dhcp4) any { return noQueue },
	} {
		st.Section(name, func() any {
			if c := now(); c.Threading.Enabled {
				return value(c)
			}
			return nil
		})
	}
}

// socketStatus is ready only if every interface asked for is served, as in Kea
// (ctrl_dhcp4_srv.cc); else it says why not, and whether that will be tried
// again. Kea's word for the wait before the last try is failed; here it is
// retrying as long as a try is to come.
func (s *Server) socketStatus() any {
	why := s.unserved.Load()
	if why == nil {
		why = &[]string{"sockets are being opened"}
	}
	switch {
	case len(*why) == 0:
		return map[string]any{"status": "ready"}
	case s.retrying.Load():
		return map[string]any{"status": "retrying", "errors": *why}
	}
	return map[string]any{"status": "failed", "errors": *why}
}

func (s *Server) configGet(context.Context, *control.Arguments) control.Response {
	cfg := s.cfg.Load()
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(cfg.Raw, &doc); err != nil {
		return control.Errorf("config-get: %v", err)
	}
	hash, err := json.Marshal(cfg.Hash())
	if err != nil {
		return control.Errorf("config-get: %v", err)
	}
	doc["hash"] = hash
	return control.Response{Arguments: doc}
}

func (s *Server) configHash(context.Context, *control.Arguments) control.Response {
	return control.Response{Arguments: map[string]string{"hash": s.cfg.Load().Hash()}}
}

// configTest checks the configuration in its arguments; nothing changes.
func (s *Server) configTest(_ context.Context, args *control.Arguments) control.Response {
	if !args.Given() {
		return control.Errorf("Missing mandatory 'arguments' parameter.")
	}
	cfg, err := config.Parse("config-test", args.Map())
	if err == nil {
		cfg, err = s.o.Dirs.Place(cfg)
	}
	if err == nil {
		err = prepare(cfg)
	}
	if err != nil {
		return control.Failed(err)
	}
	return control.Response{Text: "Configuration seems sane. Control-socket, hook-libraries, and D2 configuration were sanity checked, but not applied."}
}

func (s *Server) configReload(ctx context.Context, _ *control.Arguments) control.Response {
	if err := s.ask(ctx, func() error { return s.reload(ctx) }); err != nil {
		return control.Errorf("Config reload failed: %v", err)
	}
	return control.Response{Text: "Configuration successful."}
}

func (s *Server) shutdown(context.Context, *control.Arguments) control.Response {
	// The answer leaves first: closing the listeners waits for it.
	s.quit()
	return control.Response{Text: "Shutting down."}
}

// reclaim runs one reclaim cycle without bounds, as Kea's leases-reclaim.
func (s *Server) reclaim(ctx context.Context, _ *control.Arguments) control.Response {
	e := newExpiry(s.store, s.core.Owned.has, s.log)
	if err := e.cycle(ctx, config.ExpiredLeases{}); err != nil {
		return control.Errorf("Reclamation of expired leases failed: %v", err)
	}
	return control.Response{Text: "Reclamation of expired leases is complete."}
}

// ask has the loop carry something out and waits for it.
func (s *Server) ask(ctx context.Context, what func() error) error {
	r := request{what, make(chan error, 1)}
	select {
	case s.requests <- r:
	case <-ctx.Done():
		return errStopping
	}
	select {
	case err := <-r.answer:
		return err
	case <-ctx.Done():
		return errStopping
	}
}

// ExtendedVersion is the version with what it was built of, one a line.
func ExtendedVersion(version string) string {
	text := version
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return text
	}
	text += "\n" + info.GoVersion + "\nlinked with:"
	for _, d := range info.Deps {
		text += "\n" + d.Path + " " + d.Version
	}
	return text
}

// BuildReport is what `-W` and build-report print.
func BuildReport(version string) string {
	text := "needletail " + version
	if info, ok := debug.ReadBuildInfo(); ok {
		text += "\n" + info.String()
	}
	return text
}
