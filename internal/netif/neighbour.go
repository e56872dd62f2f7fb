package netif

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// Neighbours follows the kernel's IPv4 neighbour table (ARP). Lookups come from
// workers and take a read lock; one goroutine of its own writes.
type Neighbours struct {
	mu   sync.RWMutex
	macs map[neighbour][6]byte // guarded by mu
	home netns.NsHandle        // the namespace whose table this is
	lost atomic.Uint64         // see Lost
	stop context.CancelFunc
	done chan struct{}
}

const (
	// neighboursBuffer is room for a burst of changes, in bytes; the kernel
	// grants no more than net.core.rmem_max.
	neighboursBuffer = 1 << 20
	// resubscribe is the pause before a broken subscription is taken anew.
	resubscribe = 200 * time.Millisecond
)

// subscription delivers changes of the table. The channel is closed when it
// breaks, or by end.
type subscription struct {
	updates <-chan netlink.NeighUpdate
	end     func()
}

type neighbour struct {
	index int
	ip    frame.IP
}

// usable are the states in which the kernel vouches for the address. A stale
// entry is left out on purpose: a packet sent through the kernel makes it ask
// again, a frame of ours would not.
const usable = netlink.NUD_PERMANENT | netlink.NUD_NOARP | netlink.NUD_REACHABLE | netlink.NUD_DELAY | netlink.NUD_PROBE

// OpenNeighbours starts following the table of the calling thread's namespace.
func OpenNeighbours() (*Neighbours, error) {
	home, err := netns.Get()
	if err != nil {
		return nil, fmt.Errorf("watch the neighbour table: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	n := &Neighbours{macs: make(map[neighbour][6]byte), home: home, stop: stop, done: make(chan struct{})}
	first, err := n.subscribe(ctx)
	if err != nil {
		stop()
		home.Close()
		return nil, fmt.Errorf("watch the neighbour table: %w", err)
	}
	go n.run(ctx, n.subscribe, first, resubscribe)
	return n, nil
}

// subscribe begins a subscription with all that the table holds.
func (n *Neighbours) subscribe(ctx context.Context) (subscription, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	h := &netlink.Handle{} // of this thread's namespace
	ns, err := elsewhere(&n.home)
	if err != nil {
		return subscription{}, err
	}
	if ns != nil {
		if h, err = netlink.NewHandleAt(n.home); err != nil {
			return subscription{}, err
		}
		defer h.Close()
	}
	o := netlink.NeighSubscribeOptions{Namespace: ns, ReceiveBufferSize: neighboursBuffer}
	updates := make(chan netlink.NeighUpdate, 256)
	ctx, end := context.WithCancel(ctx)
	if err := netlink.NeighSubscribeWithOptions(updates, ctx.Done(), o); err != nil {
		end()
		return subscription{}, err
	}
	n.list(h)
	return subscription{updates, end}, nil
}

// list takes over what the table holds. The subscription could ask for it
// itself, but that takes CAP_NET_ADMIN, which kernel sockets do not need otherwise.
// Whatever is not listed the kernel resolves, so an error is none of ours.
func (n *Neighbours) list(h *netlink.Handle) {
	known, _ := h.NeighList(0, unix.AF_INET)
	for _, neigh := range known {
		n.apply(&netlink.NeighUpdate{Type: unix.RTM_NEWNEIGH, Neigh: neigh})
	}
}

// Lookup returns the MAC address behind ip on an interface if the kernel is
// sure of it now. False: let the kernel resolve it.
func (n *Neighbours) Lookup(index int, ip frame.IP) ([6]byte, bool) {
	n.mu.RLock()
	mac, ok := n.macs[neighbour{index, ip}]
	n.mu.RUnlock()
	return mac, ok
}

// Lost is how often changes were lost and the table was read anew: the kernel had
// more of them than room (ENOBUFS), or the subscription broke otherwise. Any
// goroutine.
func (n *Neighbours) Lost() uint64 { return n.lost.Load() }

// Close stops following. Lookups then find nothing.
func (n *Neighbours) Close() {
	n.stop()
	<-n.done
	n.home.Close()
}

// run follows one subscription after the other until ctx ends. One breaks when
// more changes come than its buffer takes (ENOBUFS); what was missed is in the
// table that the next one begins with.
func (n *Neighbours) run(ctx context.Context, again func(context.Context) (subscription, error), s subscription, pause time.Duration) {
	defer close(n.done)
	for {
		n.follow(s.updates)
		s.end()
		if ctx.Err() == nil {
			n.lost.Add(1)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if next, err := again(ctx); err == nil {
			s = next
		} // else s, whose channel is closed, ends once more, and counts
	}
}

// follow ends when the subscription does. It leaves an empty table behind, so
// that nothing outdated is ever used.
func (n *Neighbours) follow(updates <-chan netlink.NeighUpdate) {
	for u := range updates {
		n.apply(&u)
	}
	n.mu.Lock()
	clear(n.macs)
	n.mu.Unlock()
}

func (n *Neighbours) apply(u *netlink.NeighUpdate) {
	ip := u.IP.To4()
	if ip == nil {
		return
	}
	key := neighbour{index: u.LinkIndex, ip: frame.IP(ip)}
	n.mu.Lock()
	defer n.mu.Unlock()
	if u.Type == unix.RTM_NEWNEIGH && u.State&usable != 0 && len(u.HardwareAddr) == 6 {
		n.macs[key] = [6]byte(u.HardwareAddr)
		return
	}
	delete(n.macs, key)
}
