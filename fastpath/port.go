package fastpath

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
	"needletail/internal/netif"
	"needletail/internal/xsk"
)

// receiveMax bounds the frames taken from one socket before the next has its
// turn.
const receiveMax = 256

// Port carries queries and replies of one worker over AF_XDP. It satisfies
// slowpath's Port. One goroutine owns it and is the only caller of everything
// but Wake and Stats.
type Port struct {
	neighbours *netif.Neighbours
	router     *router
	wake       int // eventfd
	legs       []*leg
	next       int // leg to look at first
	polled     []unix.PollFd
	descs      [receiveMax]xsk.Desc
	warmed     byte     // of no use but that warm reads what it adds up
	buffers    [][]byte // of replies
	idle       []int    // indices of buffers that are not lent
	count      portCounters
	receives   uint   // calls of Receive, for lookEvery
	dropsEnded uint64 // frames dropped at sockets that are closed

	mu      sync.Mutex // guards changes and closed
	changes []change
	closed  bool
	changed atomic.Bool // there are changes
}

// one is what an eventfd adds to its count.
var one = binary.NativeEndian.AppendUint64(nil, 1)

// change is a socket that comes or goes.
type change struct {
	leg  *leg
	gone bool
}

func newPort(c Config, neighbours *netif.Neighbours, router *router) (*Port, error) {
	p := &Port{neighbours: neighbours, router: router}
	for i := range c.Replies {
		p.buffers = append(p.buffers, make([]byte, frame.Headroom+frame.MessageMax))
		p.idle = append(p.idle, i)
	}
	var err error
	p.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return p, err
}

// change hands a socket to the port, or asks for it back. A port that has been
// closed wants none.
func (p *Port) change(l *leg, gone bool) {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.changes = append(p.changes, change{l, gone})
		p.changed.Store(true)
	}
	p.mu.Unlock()
	if closed && !gone {
		l.close()
	}
	p.Wake()
}

// follow applies the changes of sockets.
func (p *Port) follow() {
	if !p.changed.Load() {
		return
	}
	p.mu.Lock()
	changes := p.changes
	p.changes = nil
	p.changed.Store(false)
	p.mu.Unlock()
	for _, c := range changes {
		if c.gone {
			c.leg.gone = true
			p.end(c.leg)
			continue
		}
		p.begin(c.leg)
	}
}

// begin gives a leg a slot, which queries name in their tokens.
func (p *Port) begin(l *leg) {
	for i, used := range p.legs {
		if used == nil {
			l.slot, p.legs[i] = i, l
			return
		}
	}
	l.slot = len(p.legs)
	p.legs = append(p.legs, l)
}

// end closes a leg that is to go, unless the worker still reads its queries.
func (p *Port) end(l *leg) {
	if l.out > 0 {
		return
	}
	p.dropsEnded += l.drops()
	p.legs[l.slot] = nil
	l.close()
}

// Buffer lends r a buffer for one reply.
func (p *Port) Buffer(r *frame.Reply) bool {
	if len(p.idle) == 0 {
		p.count.noBuffer.Add(1)
		return false
	}
	i := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	r.Buf, r.Len, r.Token = p.buffers[i], 0, uint64(i)
	return true
}

// Drop gives the buffer of an unsent reply back.
func (p *Port) Drop(r *frame.Reply) {
	p.idle = append(p.idle, int(r.Token))
	r.Buf = nil
}

// Wake ends the current Receive early, or the next one.
func (p *Port) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		_, _ = unix.Write(p.wake, one) // full: it is awake
	}
}

// Close gives the sockets and all memory back.
func (p *Port) Close() error {
	p.follow()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	for _, c := range p.changes {
		if !c.gone {
			c.leg.close()
		}
	}
	for _, l := range p.legs {
		if l != nil {
			l.close()
		}
	}
	p.legs = nil
	return unix.Close(p.wake)
}
