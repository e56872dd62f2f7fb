package server

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"needletail/internal/config"
)

// retry is when to try again what could not be opened
// (service-sockets-max-retries, service-sockets-retry-wait-time). The loop
// owns it, and alone writes planned.
type retry struct {
	tick    <-chan time.Time
	left    int
	max     int
	wait    time.Duration
	must    bool         // service-sockets-require-all
	planned *atomic.Bool // there will be another try; status-get reads it
	log     *slog.Logger
}

// newRetry plans the first try again, whether or not there was need of one.
func (s *Server) newRetry(cfg *config.Dhcp4) *retry {
	i := cfg.Interfaces
	r := &retry{left: i.RetryMax, max: i.RetryMax, wait: i.RetryWait, must: i.RequireAll, planned: &s.retrying, log: s.log}
	r.plan(r.left > 0)
	return r
}

func (r *retry) plan(another bool) {
	if r.tick = nil; another {
		r.tick = time.After(r.wait)
	}
	r.planned.Store(another)
}

// next plans another try after one that ended with err. With none left the
// server goes on with what it has, or ends if all is required (Kea:
// ctrl_dhcp4_srv.cc, openSocketsFailedCallback): then next returns an error.
func (r *retry) next(err error) error {
	r.left--
	r.plan(err != nil && r.left > 0)
	switch {
	case err == nil || r.left > 0:
		return nil
	case r.must:
		return fmt.Errorf("service-sockets-require-all, after %d tries again: %w", r.max, err)
	}
	r.log.Error("gave up on sockets that cannot be opened", "id", "DHCP4_OPEN_SOCKETS_FAILED", "tries", r.max, "error", err)
	return nil
}
