package ha

import (
	"context"
	"errors"
)

// turn is one sync of a relationship. Syncs take turns: at its end each lets go
// of the server it reads, which must not happen while another reads it.
type turn struct {
	ctx    context.Context // ends when the sync is abandoned
	stop   context.CancelFunc
	before <-chan struct{} // the turn before has ended; nil: there was none
	closes <-chan struct{} // the driver closes: nobody cares about turns
	ended  chan struct{}
}

var errAbandoned = errors.New("abandoned: another one takes its place, or the state has changed")

// nextTurn abandons the sync under way and returns the turn of another. It runs
// in the driver's loop.
func (l *link) nextTurn(driver context.Context) *turn {
	l.abandonSync()
	t := &turn{closes: driver.Done(), ended: make(chan struct{})}
	t.ctx, t.stop = context.WithCancel(driver)
	if l.turn != nil {
		t.before = l.turn.ended
	}
	l.turn = t
	return t
}

// abandonSync ends the sync under way, if there is one.
func (l *link) abandonSync() {
	if l.turn != nil {
		l.turn.stop()
	}
}

// syncing reports whether a sync is under way, abandoned or not.
func (l *link) syncing() bool {
	if l.turn == nil {
		return false
	}
	select {
	case <-l.turn.ended:
		return false
	default:
		return true
	}
}

// run syncs when the turn before has ended, which was abandoned and so ends soon.
func (t *turn) run(sync func(context.Context) (int, error)) (n int, err error) {
	defer close(t.ended)
	defer t.stop()
	if t.before != nil {
		select {
		case <-t.before:
		case <-t.closes:
		}
	}
	if t.ctx.Err() == nil {
		n, err = sync(t.ctx)
	}
	if t.ctx.Err() != nil {
		err = errAbandoned
	}
	return n, err
}
