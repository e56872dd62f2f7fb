package slowpath

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// vectorMax is how many datagrams one system call moves.
const vectorMax = 64

// kernelPort is a Port over kernel sockets, one or two for each interface. It
// belongs to one worker; what another goroutine may touch says so.
type kernelPort struct {
	medium  medium
	slots   *slots
	buffers *buffers
	legs    map[int]*leg // by interface index
	socket  map[int32]*leg
	epoll   int
	events  []unix.EpollEvent // room for every socket and wake: none is passed over
	in      *vector
	frames  sender  // through packet sockets
	packets sender  // through UDP sockets
	routed  *socket // for replies without an interface; nil: none. Outlives the port
	count   portCounters

	mu      sync.Mutex // guards wake, closed and pending
	wake    int        // eventfd
	closed  bool
	pending []change // legs that come and go; taken over in Receive
}

// medium is what packet and UDP sockets do differently.
type medium interface {
	vector() *vector
	// decode reads received datagram i, which lies in b.
	decode(v *vector, i int, b []byte, l *leg, q *frame.Query) frame.Fault
	// send queues one reply.
	send(p *kernelPort, l *leg, r *frame.Reply)
}

// change adds a leg (in place of the one for the same sockets, if any) or
// removes it.
type change struct {
	leg *leg
	add bool
}

// portCounters is PortStats as the worker writes it.
type portCounters struct {
	received, sent, sendFailed, unroutable, noBuffer counter
	notForUs, neighbours, kernelRouted               counter
	faults                                           [frame.FaultCount]counter
}

func newKernelPort(m medium, o *PortOptions) (_ *kernelPort, err error) {
	p := &kernelPort{
		medium:  m,
		slots:   newSlots(o.Queries),
		buffers: newBuffers(o.Replies),
		legs:    make(map[int]*leg),
		socket:  make(map[int32]*leg),
		events:  make([]unix.EpollEvent, 1),
		in:      m.vector(),
	}
	p.frames.init(newVector(vectorMax, 0), &p.count)
	p.packets.init(newVector(vectorMax, withNames|withControls), &p.count)
	var opened closer
	defer func() {
		if err != nil {
			opened.closeAll()
		}
	}()
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make a poll set: %w", err)
	}
	opened.keep(p.epoll)
	if p.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	opened.keep(p.wake)
	if err := p.watch(p.wake, 0); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *kernelPort) watch(fd int, flags uint32) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | flags, Fd: int32(fd)}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("add a socket to the poll set: %w", err)
	}
	return nil
}

// Done implements Port.
func (p *kernelPort) Done(qs []frame.Query) {
	for i := range qs {
		p.slots.give(uint32(qs[i].Token))
		qs[i].Message = nil
	}
}

// besides is the memory of a port for queries besides those that wait: what a turn
// receives and what it handles.
const besides = 2*receiveMax + BatchMax

// HeldMax implements Port. A small port, as tests have, keeps half.
func (p *kernelPort) HeldMax() int {
	n := cap(p.slots.free)
	return max(n-besides, n/2)
}

// Buffer implements Port.
func (p *kernelPort) Buffer(r *frame.Reply) bool {
	if !p.buffers.lend(r) {
		p.count.noBuffer.add(1)
		return false
	}
	return true
}

// change hands a change of legs to the worker. Any goroutine.
func (p *kernelPort) change(c change) {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.pending = append(p.pending, c)
	}
	p.mu.Unlock()
	if closed && c.add {
		c.leg.close()
	}
	p.Wake()
}

// Drop implements Port.
func (p *kernelPort) Drop(r *frame.Reply) { p.buffers.take(r) }

// Send implements Port.
func (p *kernelPort) Send(rs []frame.Reply) {
	for i := range rs {
		r := &rs[i]
		if l := p.legs[r.To.IfIndex]; l != nil {
			p.medium.send(p, l, r)
		} else if r.To.IfIndex == 0 && p.routed != nil {
			p.count.kernelRouted.add(1)
			p.packets.datagram(p.routed, r, r.To.Dst)
		} else {
			p.count.unroutable.add(1)
		}
	}
	p.frames.flush()
	p.packets.flush()
	for i := range rs {
		p.buffers.take(&rs[i])
	}
}

// Wake implements Port. Any goroutine.
func (p *kernelPort) Wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		_, _ = unix.Write(p.wake, one[:]) // full means that it is awake already
	}
}

// Close implements Port.
func (p *kernelPort) Close() error {
	p.applyChanges()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	for _, c := range p.pending { // came after the last look
		if c.add {
			c.leg.close()
		}
	}
	for _, l := range p.legs {
		l.close()
	}
	p.pending = nil
	clear(p.legs)
	clear(p.socket)
	return errors.Join(unix.Close(p.wake), unix.Close(p.epoll))
}
