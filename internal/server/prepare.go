package server

import (
	"fmt"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/internal/logging"
	"needletail/slowpath"
)

// prepare checks what config cannot: whether the engine can be made of it, and
// the files it names. It opens nothing that stays open.
func prepare(cfg *config.Dhcp4) error {
	if err := slowpath.Check(cfg); err != nil {
		return err
	}
	for _, l := range cfg.Loggers {
		for _, o := range l.Outputs {
			if err := logging.Check(o); err != nil {
				return config.Problems{{At: o.At, Text: err.Error()}}
			}
		}
	}
	for i := range cfg.Sockets {
		if s := &cfg.Sockets[i]; s.TLS != (config.TLS{}) {
			if _, err := control.ServerTLS(s.TLS.TrustAnchor, s.TLS.CertFile, s.TLS.KeyFile, s.TLS.RequireClientCerts); err != nil {
				return config.Problems{{At: s.At, Text: err.Error()}}
			}
		}
	}
	for _, r := range cfg.HA {
		for _, p := range r.Peers {
			if p.TLS == (config.TLS{}) {
				continue
			}
			if _, err := control.ServerTLS(p.TLS.TrustAnchor, p.TLS.CertFile, p.TLS.KeyFile, false); err != nil {
				return config.Problems{{At: p.At, Text: fmt.Sprintf("peer %s: %v", p.Name, err)}}
			}
		}
	}
	return nil
}

// Check reads a configuration as Run would and returns what Run would refuse.
func Check(o Options) (*config.Dhcp4, error) {
	cfg, err := config.Load(o.File)
	if err != nil {
		return nil, err
	}
	if _, err := o.Dirs.Place(cfg); err != nil {
		return nil, err
	}
	return cfg, prepare(cfg)
}
