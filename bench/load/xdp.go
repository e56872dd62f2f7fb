package load

import (
	"fmt"
	"net"
	"time"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"needletail/internal/xsk"
)

const (
	xdpRing   = 16384       // what a generator that waits 30 ms for a processor finds at 500,000 answers a second
	xdpFrames = 2 * xdpRing // as many to receive into as the ring holds, as many to send from
)

// XDP is a Link over an AF_XDP socket on each of an interface's first queues.
// It sends through them in turn. It is not safe for concurrent use.
type XDP struct {
	ifindex int
	queues  []*xdpQueue
	turn    int // queue of the next frame
	hook    link.Link
	// arp hears requests for the addresses of clients, which XDP leaves to the
	// kernel. It also makes the interface promiscuous: a NIC drops what goes to
	// the hardware addresses of clients before XDP sees it.
	arp     *Packet
	objects WireObjects
	polls   []unix.PollFd
	native  bool
}

// An xdpQueue is one socket and its frames.
type xdpQueue struct {
	socket *xsk.Socket
	free   []uint64 // frames to send from
	queue  []xsk.Desc
	descs  []xsk.Desc
	back   []uint64 // frames received, to be filled in again
	sent   []uint64 // frames the kernel has sent
}

// OpenXDP attaches to an interface of the calling thread's network namespace,
// in native mode where the driver has it, else in generic mode, and binds to
// its first queues. It needs CAP_NET_ADMIN, CAP_BPF and CAP_NET_RAW.
func OpenXDP(ifname string, queues int) (_ *XDP, err error) {
	ifi, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("open %s for AF_XDP: %w", ifname, err)
	}
	x := &XDP{ifindex: ifi.Index}
	defer func() {
		if err != nil {
			x.Close()
		}
	}()
	if err = x.load(queues); err != nil {
		return nil, fmt.Errorf("load the generator's XDP program: %w", err)
	}
	if err = x.attach(ifi); err != nil {
		return nil, err
	}
	if x.arp, err = openPacket(ifname, unix.ETH_P_ARP); err != nil {
		return nil, err
	}
	x.polls = append(x.polls, x.arp.polls[0])
	for i := range queues {
		q, err := openXDPQueue(ifi.Index, i)
		if err != nil {
			return nil, fmt.Errorf("open %s for AF_XDP: %w", ifname, err)
		}
		x.queues = append(x.queues, q)
		x.polls = append(x.polls, unix.PollFd{Fd: int32(q.socket.FD()), Events: unix.POLLIN})
		if err := x.objects.Sockets.Put(uint32(i), uint32(q.socket.FD())); err != nil {
			return nil, fmt.Errorf("enter the socket of %s: %w", ifname, err)
		}
	}
	return x, nil
}

func (x *XDP) load(queues int) error {
	spec, err := LoadWire()
	if err != nil {
		return err
	}
	spec.Maps["sockets"].MaxEntries = uint32(queues)
	if err := spec.LoadAndAssign(&x.objects, nil); err != nil {
		return err
	}
	return x.objects.Shared.Put(uint32(0), WireRing{Target: uint32(x.ifindex)})
}

func (x *XDP) attach(ifi *net.Interface) (err error) {
	x.hook, err = link.AttachXDP(link.XDPOptions{Program: x.objects.WirePrograms.Wire, Interface: ifi.Index, Flags: link.XDPDriverMode})
	if x.native = err == nil; x.native {
		return nil
	}
	x.hook, err = link.AttachXDP(link.XDPOptions{Program: x.objects.WirePrograms.Wire, Interface: ifi.Index, Flags: link.XDPGenericMode})
	if err != nil {
		return fmt.Errorf("attach XDP to %s: %w", ifi.Name, err)
	}
	return nil
}

// openXDPQueue opens a socket and deals its frames: a ring full to receive
// into, the rest to send from.
func openXDPQueue(ifindex, number int) (*xdpQueue, error) {
	socket, err := xsk.Open(xsk.Config{IfIndex: ifindex, Queue: number, Frames: xdpFrames, RingSize: xdpRing})
	if err != nil {
		return nil, err
	}
	q := &xdpQueue{socket: socket, descs: make([]xsk.Desc, xdpRing), back: make([]uint64, xdpRing), sent: make([]uint64, xdpRing), queue: make([]xsk.Desc, 0, xdpRing)}
	for i := range uint64(xdpFrames) {
		if i < xdpRing {
			q.back[i] = i * xsk.FrameSize
		} else {
			q.free = append(q.free, i*xsk.FrameSize)
		}
	}
	socket.Fill(q.back)
	return q, nil
}

// Mode implements Port: native or generic, always copying.
func (x *XDP) Mode() string {
	if x.native {
		return "native, copy"
	}
	return "generic, copy"
}

// Buffer implements Link.
func (x *XDP) Buffer() []byte {
	q := x.queues[x.turn]
	if len(q.free) == 0 || len(q.queue) == cap(q.queue) {
		if q.flush() != nil || len(q.free) == 0 {
			return nil
		}
	}
	return q.socket.Frame(q.free[len(q.free)-1], xsk.FrameSize)
}

// Commit implements Link.
func (x *XDP) Commit(n int) {
	q := x.queues[x.turn]
	last := len(q.free) - 1
	q.queue = append(q.queue, xsk.Desc{Addr: q.free[last], Len: uint32(n)})
	q.free = q.free[:last]
	if x.turn++; x.turn == len(x.queues) {
		x.turn = 0
	}
}

// Flush implements Link.
func (x *XDP) Flush() error {
	for _, q := range x.queues {
		if err := q.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (q *xdpQueue) flush() error {
	if len(q.queue) > 0 {
		sent := q.socket.Send(q.queue)
		q.queue = q.queue[:copy(q.queue, q.queue[sent:])]
	}
	if err := q.socket.Kick(); err != nil {
		return err
	}
	n := q.socket.Completed(q.sent)
	q.free = append(q.free, q.sent[:n]...)
	return nil
}

// Receive implements Link.
func (x *XDP) Receive(f func(frame []byte)) error {
	for _, q := range x.queues {
		n := q.socket.Receive(q.descs)
		for i, d := range q.descs[:n] {
			f(q.socket.Frame(d.Addr, d.Len))
			q.back[i] = xsk.Base(d.Addr)
		}
		q.socket.Fill(q.back[:n])
	}
	return x.arp.Receive(f)
}

// Wait implements Link.
func (x *XDP) Wait(d time.Duration) error { return wait(x.polls, d) }

// wait polls descriptors for input.
func wait(polls []unix.PollFd, d time.Duration) error {
	ts := unix.NsecToTimespec(int64(d))
	_, err := unix.Ppoll(polls, &ts, nil)
	if err == unix.EINTR {
		return nil
	}
	return err
}

// Close detaches the program and frees everything.
func (x *XDP) Close() error {
	if x.hook != nil {
		x.hook.Close()
	}
	if x.arp != nil {
		x.arp.Close()
	}
	for _, q := range x.queues {
		q.socket.Close()
	}
	return x.objects.Close()
}
