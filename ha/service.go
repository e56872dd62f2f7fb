package ha

import (
	"context"
	"fmt"
	"time"

	"needletail/internal/control"
)

// listen opens the dedicated listener of every relationship that has one.
// Commands of a listener know which relationship they came through.
func (d *Driver) listen() error {
	for i, l := range d.links {
		if !l.conf.MultiThreading || !l.conf.DedicatedListener {
			continue
		}
		s, err := d.listener(context.WithValue(d.ctx, viaKey{}, i), l)
		if err != nil {
			return fmt.Errorf("relationship %d: listener of %s: %w", i, l.conf.ThisServer, err)
		}
		d.servers = append(d.servers, s)
	}
	return nil
}

func (d *Driver) listener(ctx context.Context, l *link) (*control.Server, error) {
	self := l.conf.Self()
	if self.Addr.Port() == 0 {
		return nil, fmt.Errorf("url %s has no port to listen on", self.URL)
	}
	o := control.HTTPOptions{
		Addr: self.Addr.String(), Realm: "kea-dhcpv4-server",
		IdleTimeout: max(30*time.Second, 3*l.conf.HeartbeatDelay),
	}
	if self.User != "" {
		o.Credentials = []control.Credential{{User: self.User, Password: self.Password}}
	}
	if l.conf.RestrictCommands {
		o.Allow = Restricted
	}
	if t := self.TLS; t.CertFile != "" {
		conf, err := control.ServerTLS(t.TrustAnchor, t.CertFile, t.KeyFile, l.conf.RequireClientCerts)
		if err != nil {
			return nil, err
		}
		o.TLS = conf
	}
	return control.ServeHTTP(ctx, o, d.opt.Registry, l.log)
}
