package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"needletail/internal/config"
	"needletail/leases"
)

// reclaimStep is how many leases one transaction reclaims: enough to pay for
// its sync, few enough that a network's lock is held for microseconds.
const reclaimStep = 500

// expiry reclaims expired leases in bounded steps. One goroutine runs it;
// settings come over a channel so that a reload needs no lock.
type expiry struct {
	store    *leases.Store
	owned    func(*leases.Lease) bool // leases that are this server's to reclaim
	log      *slog.Logger
	settings chan config.ExpiredLeases
	batch    leases.Batch
	undone   int // cycles in a row that left expired leases
}

func newExpiry(store *leases.Store, owned func(*leases.Lease) bool, log *slog.Logger) *expiry {
	return &expiry{store: store, owned: owned, log: log.With("logger", "alloc-engine"), settings: make(chan config.ExpiredLeases, 1)}
}

// run reclaims until ctx ends. A wait of 0 turns reclaiming off, as in Kea.
func (e *expiry) run(ctx context.Context, s config.ExpiredLeases) {
	var tick <-chan time.Time
	for {
		if tick = nil; s.ReclaimTimerWait > 0 {
			tick = time.After(s.ReclaimTimerWait)
		}
		select {
		case <-ctx.Done():
			return
		case s = <-e.settings:
		case <-tick:
			if err := e.cycle(ctx, s); err != nil {
				e.log.Error("expired leases could not be reclaimed; the next cycle tries again", "id", "ALLOC_ENGINE_V4_LEASES_RECLAMATION_FAILED", "error", err)
			}
		}
	}
}

// reload replaces the settings.
func (e *expiry) reload(ctx context.Context, s config.ExpiredLeases) {
	select {
	case e.settings <- s:
	case <-ctx.Done():
	}
}

// cycle reclaims up to max-reclaim-leases for up to max-reclaim-time; 0 means
// no bound.
func (e *expiry) cycle(ctx context.Context, s config.ExpiredLeases) error {
	left, began, more := s.MaxReclaimLeases, time.Now(), true
	for more && ctx.Err() == nil && (s.MaxReclaimTime == 0 || time.Since(began) < s.MaxReclaimTime) {
		step := reclaimStep
		if s.MaxReclaimLeases > 0 {
			step = min(step, left)
		}
		if step == 0 {
			break
		}
		n, rest, err := e.step(step)
		if err != nil {
			return err
		}
		left, more = left-n, rest
	}
	e.note(more, s.UnwarnedReclaimCycles)
	return nil
}

func (e *expiry) note(more bool, unwarned int) {
	if !more {
		e.undone = 0
		return
	}
	if e.undone++; unwarned > 0 && e.undone == unwarned {
		e.log.Warn("expired leases pile up: raise max-reclaim-leases or max-reclaim-time", "id", "ALLOC_ENGINE_V4_LEASES_RECLAMATION_SLOW", "cycles", e.undone)
		e.undone = 0
	}
}

// step reclaims up to n leases and waits until that is on disk.
func (e *expiry) step(n int) (int, bool, error) {
	e.batch.Reset()
	n, more := e.store.Reclaim(&e.batch, time.Now(), n, e.owned)
	if err := e.store.Write(&e.batch); err != nil {
		return n, more, errors.Join(errors.New("write to the lease database"), err)
	}
	return n, more, nil
}
