package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"

	"github.com/prometheus/client_golang/prometheus"
)

// listeners are the open ends of the command channel. The server's loop owns
// them.
type listeners struct {
	registry *control.Registry
	metrics  *prometheus.Registry
	log      *slog.Logger
	idle     time.Duration // how long new HTTP listeners keep a connection between requests
	open     []listener
	leaving  sync.WaitGroup // listeners that a reload closed
}

type listener struct {
	what   any // the part of the configuration it was opened for
	server *control.Server
}

// set brings the open listeners to what cfg wants. Those at the same address
// stay open, with the connections they have; certificates are read anew. New
// ones are opened first; if anything fails, nothing has changed.
func (l *listeners) set(ctx context.Context, cfg *config.Dhcp4) error {
	l.idle = idleFor(cfg)
	var next, fresh []listener
	var changes []func()
	for _, want := range wanted(cfg) {
		if i := l.find(want); i >= 0 {
			change, err := changing(l.open[i].server, want)
			if err != nil {
				closeAll(fresh)
				return err
			}
			changes = append(changes, change)
			next = append(next, listener{want, l.open[i].server})
			continue
		}
		s, err := l.start(ctx, want)
		if err != nil {
			closeAll(fresh)
			return err
		}
		fresh = append(fresh, listener{want, s})
	}
	next = append(next, fresh...)
	for _, change := range changes {
		change()
	}
	for _, old := range l.open {
		if !contains(next, old) {
			// Not waited for here: the command that asks for this reload may
			// have come by it.
			l.leaving.Go(func() { old.server.Close() })
		}
	}
	l.open = next
	return nil
}

// idleFor: where a relationship has no dedicated listener its heartbeats come
// through a control socket. One that is open keeps the time it was opened with.
func idleFor(cfg *config.Dhcp4) time.Duration {
	var longest time.Duration
	for _, r := range cfg.HA {
		longest = max(longest, r.HeartbeatDelay)
	}
	return control.IdleFor(longest)
}

// wanted lists what shall be open: control sockets and, if set, metrics.
func wanted(cfg *config.Dhcp4) (all []any) {
	for _, s := range cfg.Sockets {
		s.At = config.Position{} // moving a line in the file changes nothing
		all = append(all, s)
	}
	if cfg.Needletail.Metrics.IsValid() {
		all = append(all, cfg.Needletail.Metrics.String())
	}
	return all
}

func (l *listeners) find(want any) int {
	for i := range l.open {
		if place(l.open[i].what) == place(want) {
			return i
		}
	}
	return -1
}

// place is what no two listeners can share.
func place(what any) any {
	s, ok := what.(config.ControlSocket)
	switch {
	case !ok:
		return what // the address of metrics
	case s.Type == "unix":
		return s.Name
	}
	return s.Addr
}

// changing prepares to give an open listener the settings it is wanted with.
func changing(s *control.Server, want any) (func(), error) {
	socket, ok := want.(config.ControlSocket)
	if !ok || socket.Type == "unix" {
		return func() {}, nil
	}
	o, err := httpOptions(&socket)
	return func() { s.Change(o) }, err
}

func contains(list []listener, one listener) bool {
	for _, l := range list {
		if l.server == one.server {
			return true
		}
	}
	return false
}

func (l *listeners) start(ctx context.Context, want any) (*control.Server, error) {
	s, ok := want.(config.ControlSocket)
	if !ok {
		return control.ServeMetrics(ctx, want.(string), l.log, l.metrics)
	}
	switch s.Type {
	case "unix":
		l.log.Info("Starting to accept connections via unix domain socket bound to "+s.Name, "id", "COMMAND_ACCEPTOR_START")
		return control.ServeUnix(ctx, s.Name, l.registry, l.log)
	case "http", "https":
		return l.startHTTP(ctx, &s)
	}
	return nil, fmt.Errorf("control socket of type %s is not known", s.Type)
}

func (l *listeners) startHTTP(ctx context.Context, s *config.ControlSocket) (*control.Server, error) {
	o, err := httpOptions(s)
	if err != nil {
		return nil, err
	}
	o.IdleTimeout = l.idle
	l.log.Info("Starting to accept HTTP connections on "+o.Addr, "id", "HTTP_COMMAND_ACCEPTOR_START")
	return control.ServeHTTP(ctx, o, l.registry, l.log)
}

func httpOptions(s *config.ControlSocket) (o control.HTTPOptions, err error) {
	o = control.HTTPOptions{Addr: s.Addr.String(), Realm: s.Realm}
	for _, c := range s.Clients {
		o.Credentials = append(o.Credentials, control.Credential{User: c.User, Password: c.Password})
	}
	if s.TLS != (config.TLS{}) {
		o.TLS, err = control.ServerTLS(s.TLS.TrustAnchor, s.TLS.CertFile, s.TLS.KeyFile, s.TLS.RequireClientCerts)
	}
	return o, err
}

func (l *listeners) close() {
	closeAll(l.open)
	l.open = nil
	l.leaving.Wait()
}

func closeAll(list []listener) {
	for _, l := range list {
		l.server.Close()
	}
}
