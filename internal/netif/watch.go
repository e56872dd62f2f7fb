package netif

import (
	"context"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
)

// settle is how long Watch waits for a burst of changes to end: one command of
// an administrator makes several events.
const settle = 50 * time.Millisecond

// Watch reports changes of interfaces and IPv4 addresses of the calling
// thread's network namespace until ctx ends, then closes the channel. A value
// means that something changed since the last one and that List is worth
// calling; bursts become one value, and none is ever lost, whatever the
// receiver does meanwhile.
func Watch(ctx context.Context) (<-chan struct{}, error) {
	links := make(chan netlink.LinkUpdate, 64)
	addrs := make(chan netlink.AddrUpdate, 64)
	done := make(chan struct{})
	if err := netlink.LinkSubscribe(links, done); err != nil {
		return nil, fmt.Errorf("watch network interfaces: %w", err)
	}
	if err := netlink.AddrSubscribe(addrs, done); err != nil {
		close(done)
		return nil, fmt.Errorf("watch IPv4 addresses: %w", err)
	}
	changes := make(chan struct{}, 1)
	go func() {
		defer close(changes)
		defer close(done)
		watch(ctx, links, addrs, changes)
	}()
	return changes, nil
}

// watch joins events into changes. It ends with ctx, or when a subscription
// breaks and the other side can only list again and start anew.
func watch(ctx context.Context, links <-chan netlink.LinkUpdate, addrs <-chan netlink.AddrUpdate, changes chan<- struct{}) {
	var settled <-chan time.Time
	for {
		ok := true
		select {
		case <-ctx.Done():
			return
		case _, ok = <-links:
		case _, ok = <-addrs:
		case <-settled:
			settled = nil
			select {
			case changes <- struct{}{}:
			default: // one is waiting already and covers this
			}
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
