package ha

import (
	"context"
	"fmt"

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
		l.server = s
	}
	return nil
}

func (d *Driver) listener(ctx context.Context, l *link) (*control.Server, error) {
	if self := l.conf.Self(); self.Addr.Port() == 0 {
		return nil, fmt.Errorf("url %s has no port to listen on", self.URL)
	}
	o, err := l.listening()
	if err != nil {
		return nil, err
	}
	return control.ServeHTTP(ctx, o, d.opt.Registry, l.log)
}

// listening are the dedicated listener's settings, with the certificates that
// its files hold now.
func (l *link) listening() (control.HTTPOptions, error) {
	self := l.conf.Self()
	o := control.HTTPOptions{
		Addr: self.Addr.String(), Realm: "kea-dhcpv4-server",
		IdleTimeout: control.IdleFor(l.conf.HeartbeatDelay),
	}
	if self.User != "" {
		o.Credentials = []control.Credential{{User: self.User, Password: self.Password}}
	}
	if l.conf.RestrictCommands {
		o.Allow = restricted
	}
	if t := self.TLS; t.CertFile != "" {
		conf, err := control.ServerTLS(t.TrustAnchor, t.CertFile, t.KeyFile, l.conf.RequireClientCerts)
		if err != nil {
			return o, err
		}
		o.TLS = conf
	}
	return o, nil
}

// Renew reads the certificates of all relationships again, for connections from
// now on. On an error none has changed.
func (d *Driver) Renew() error {
	var changes []func()
	for _, l := range d.links {
		some, err := l.renew()
		if err != nil {
			return fmt.Errorf("relationship %d: %w", l.index, err)
		}
		changes = append(changes, some...)
	}
	for _, change := range changes {
		change()
	}
	return nil
}

func (l *link) renew() (changes []func(), err error) {
	for _, p := range l.peers {
		change, err := p.renew()
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	if l.server != nil {
		o, err := l.listening()
		if err != nil {
			return nil, fmt.Errorf("listener of %s: %w", l.conf.ThisServer, err)
		}
		changes = append(changes, func() { l.server.Change(o) })
	}
	return changes, nil
}
