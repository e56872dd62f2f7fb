package netif

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// settle is how long Watch waits for a burst of changes to end: one command of
// an administrator makes several events.
const settle = 50 * time.Millisecond

// Watch reports changes of interfaces and IPv4 addresses of the calling
// thread's network namespace until ctx ends, then closes the channel. A value
// means that something changed since the last one and that List is worth
// calling; bursts become one value, and none is ever lost, whatever the
// receiver does meanwhile. Where the kernel lost events because they came too
// fast (ENOBUFS), or a subscription broke otherwise, that is counted in lost, and a
// value is sent once there is a new subscription.
func Watch(ctx context.Context, lost *atomic.Uint64) (<-chan struct{}, error) {
	home, err := netns.Get()
	if err != nil {
		return nil, fmt.Errorf("watch network interfaces: %w", err)
	}
	first, err := subscribeEvents(home)
	if err != nil {
		home.Close()
		return nil, err
	}
	w := watcher{again: func() (events, error) { return subscribeEvents(home) }, pause: resubscribe, lost: lost, changes: make(chan struct{}, 1)}
	go func() {
		defer home.Close()
		defer close(w.changes)
		w.run(ctx, first)
	}()
	return w.changes, nil
}

// events are two subscriptions. A channel is closed when its subscription breaks,
// or by end.
type events struct {
	links <-chan netlink.LinkUpdate
	addrs <-chan netlink.AddrUpdate
	end   func()
}

func subscribeEvents(home netns.NsHandle) (events, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ns, err := elsewhere(&home)
	if err != nil {
		return events{}, fmt.Errorf("watch network interfaces: %w", err)
	}
	links := make(chan netlink.LinkUpdate, 64)
	addrs := make(chan netlink.AddrUpdate, 64)
	done := make(chan struct{})
	if err := netlink.LinkSubscribeWithOptions(links, done, netlink.LinkSubscribeOptions{Namespace: ns}); err != nil {
		return events{}, fmt.Errorf("watch network interfaces: %w", err)
	}
	if err := netlink.AddrSubscribeWithOptions(addrs, done, netlink.AddrSubscribeOptions{Namespace: ns}); err != nil {
		close(done)
		return events{}, fmt.Errorf("watch IPv4 addresses: %w", err)
	}
	return events{links, addrs, func() { close(done) }}, nil
}

// elsewhere returns home if the calling thread, which must be locked, is in another
// namespace; nil if it is there. Going there takes CAP_SYS_ADMIN, which a server in
// one namespace has not.
func elsewhere(home *netns.NsHandle) (*netns.NsHandle, error) {
	here, err := netns.Get()
	if err != nil {
		return nil, err
	}
	defer here.Close()
	if here.Equal(*home) {
		return nil, nil
	}
	return home, nil
}

// watcher is what one Watch runs. Its goroutine owns it.
type watcher struct {
	again   func() (events, error)
	pause   time.Duration // before a broken subscription is taken anew
	lost    *atomic.Uint64
	changes chan struct{}
}

// run follows one pair of subscriptions after the other until ctx ends.
func (w *watcher) run(ctx context.Context, e events) {
	for {
		w.follow(ctx, e)
		e.finish()
		if ctx.Err() != nil {
			return
		}
		w.lost.Add(1)
		if e = w.renew(ctx); e.end == nil {
			return
		}
		w.report() // whatever happened meanwhile
	}
}

// renew subscribes anew, as often as it takes. No events: ctx ended.
func (w *watcher) renew(ctx context.Context) events {
	for {
		select {
		case <-ctx.Done():
			return events{}
		case <-time.After(w.pause):
		}
		if e, err := w.again(); err == nil {
			return e
		}
	}
}

// follow joins events into changes. It ends with ctx, or when a subscription
// breaks.
func (w *watcher) follow(ctx context.Context, e events) {
	var settled <-chan time.Time
	for {
		ok := true
		select {
		case <-ctx.Done():
			return
		case _, ok = <-e.links:
		case _, ok = <-e.addrs:
		case <-settled:
			settled = nil
			w.report()
			continue
		}
		if !ok {
			return
		}
		if settled == nil {
			settled = time.After(settle)
		}
	}
}

func (w *watcher) report() {
	select {
	case w.changes <- struct{}{}:
	default: // one is waiting already and covers this
	}
}

// finish ends both subscriptions, and takes what they still want to hand over.
func (e events) finish() {
	e.end()
	for range e.links {
	}
	for range e.addrs {
	}
}
