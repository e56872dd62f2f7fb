package netif

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// fakeEvents are subscriptions that break when the test wants.
type fakeEvents struct {
	links chan netlink.LinkUpdate
	addrs chan netlink.AddrUpdate
	once  sync.Once
}

func newFakeEvents() *fakeEvents {
	return &fakeEvents{links: make(chan netlink.LinkUpdate), addrs: make(chan netlink.AddrUpdate)}
}

func (f *fakeEvents) end() {
	f.once.Do(func() {
		close(f.links)
		close(f.addrs)
	})
}

func (f *fakeEvents) events() events { return events{f.links, f.addrs, f.end} }

// Events that a broken subscription lost are counted, there is a new one however
// often that fails, and then the receiver looks at everything: also when no event
// follows, and when one was about to be reported.
func TestWatchSurvivesBrokenSubscriptions(t *testing.T) {
	first, second := newFakeEvents(), newFakeEvents()
	var lost atomic.Uint64
	tries := 0
	w := watcher{pause: time.Millisecond, lost: &lost, changes: make(chan struct{}, 1), again: func() (events, error) {
		if tries++; tries < 3 {
			return events{}, errors.New("not now")
		}
		return second.events(), nil
	}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		w.run(ctx, first.events())
		close(ended)
	}()
	first.links <- netlink.LinkUpdate{}
	first.end() // before it has settled
	<-w.changes
	if tries != 3 || lost.Load() != 1 {
		t.Errorf("told after %d tries and %d losses, want 3 and 1", tries, lost.Load())
	}
	second.addrs <- netlink.AddrUpdate{}
	<-w.changes
	stop()
	<-ended
	if lost.Load() != 1 {
		t.Errorf("the end counts as a loss: %d", lost.Load())
	}
}

// A watcher whose subscription cannot be had again ends with its context.
func TestWatchEndsWhileBroken(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	only := newFakeEvents()
	var lost atomic.Uint64
	w := watcher{pause: time.Millisecond, lost: &lost, changes: make(chan struct{}, 1), again: func() (events, error) {
		stop()
		return events{}, errors.New("never")
	}}
	only.end()
	w.run(ctx, only.events())
}
