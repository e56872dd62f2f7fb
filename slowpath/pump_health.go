package slowpath

import (
	"log/slog"
	"sync/atomic"
)

// Health tells whether lease changes reach the disk, for all pumps of a server.
// It logs when that changes and only then.
type Health struct {
	failing atomic.Bool
	log     *slog.Logger
}

// NewHealth returns a healthy Health.
func NewHealth(log *slog.Logger) *Health { return &Health{log: log} }

// Failing reports whether the last batch could not be made durable.
func (h *Health) Failing() bool { return h.failing.Load() }

// report takes the result of one batch. Any goroutine.
func (h *Health) report(err error) {
	if failed := err != nil; failed == h.failing.Load() || !h.failing.CompareAndSwap(!failed, failed) {
		return
	}
	if err != nil {
		h.log.Error("leases cannot be written; clients get no ACK until that succeeds again", "error", err)
		return
	}
	h.log.Info("leases are written again")
}
