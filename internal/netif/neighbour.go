package netif

import (
	"context"
	"fmt"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// Neighbours follows the kernel's IPv4 neighbour table (ARP). Lookups come from
// workers and take a read lock; one goroutine of its own writes.
type Neighbours struct {
	mu   sync.RWMutex
	macs map[neighbour][6]byte // guarded by mu
	stop context.CancelFunc
	done chan struct{}
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
	ctx, stop := context.WithCancel(context.Background())
	n := &Neighbours{macs: make(map[neighbour][6]byte), stop: stop, done: make(chan struct{})}
	updates := make(chan netlink.NeighUpdate, 256)
	if err := netlink.NeighSubscribe(updates, ctx.Done()); err != nil {
		stop()
		return nil, fmt.Errorf("watch the neighbour table: %w", err)
	}
	n.list()
	go n.follow(updates)
	return n, nil
}

// list takes over what the table holds. The subscription could ask for it
// itself, but that takes CAP_NET_ADMIN, which kernel sockets do not need otherwise.
// Whatever is not listed the kernel resolves, so an error is none of ours.
func (n *Neighbours) list() {
	known, _ := netlink.NeighList(0, unix.AF_INET)
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

// Close stops following. Lookups then find nothing.
func (n *Neighbours) Close() {
	n.stop()
	<-n.done
}

// follow ends when the subscription does, by Close or by a broken socket. It
// leaves an empty table behind, so that nothing outdated is ever used.
func (n *Neighbours) follow(updates <-chan netlink.NeighUpdate) {
	defer close(n.done)
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
