package netif

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// A subscription that breaks is taken anew, more than once if need be, and what
// the broken one told is forgotten.
func TestNeighboursSurviveABrokenSubscription(t *testing.T) {
	told := func(last byte) (s subscription, gone func()) {
		c := make(chan netlink.NeighUpdate, 1)
		c <- netlink.NeighUpdate{Type: unix.RTM_NEWNEIGH, Neigh: netlink.Neigh{LinkIndex: 1, State: netlink.NUD_REACHABLE,
			IP: net.IP{192, 0, 2, last}, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, last}}}
		return subscription{c, func() {}}, func() { close(c) }
	}
	first, breaks := told(1)
	second, ends := told(2)
	tries := 0
	again := func(context.Context) (subscription, error) {
		if tries++; tries == 1 {
			return subscription{}, errors.New("not now")
		}
		return second, nil
	}
	ctx, stop := context.WithCancel(t.Context())
	n := &Neighbours{macs: make(map[neighbour][6]byte), home: netns.None(), stop: stop, done: make(chan struct{})}
	go n.run(ctx, again, first, time.Millisecond)
	sees := func(last byte, want bool) {
		t.Helper()
		for range 500 {
			if _, ok := n.Lookup(1, frame.IP{192, 0, 2, last}); ok == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("192.0.2.%d is known: %v", last, !want)
	}
	sees(1, true)
	breaks()
	sees(2, true)
	sees(1, false)
	if lost := n.Lost(); lost != 2 {
		t.Errorf("counted %d losses, want the break and the try that failed", lost)
	}
	stop()
	ends()
	n.Close()
}
