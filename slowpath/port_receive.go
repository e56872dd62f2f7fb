package slowpath

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// Receive implements Port.
func (p *kernelPort) Receive(qs []frame.Query, wait time.Duration) (int, error) {
	if len(qs) == 0 || len(p.slots.free) == 0 {
		return 0, p.waitForWake(wait)
	}
	n, err := unix.EpollWait(p.epoll, p.events, milliseconds(wait))
	if errors.Is(err, unix.EINTR) { // SIGCONT does it, whatever has arrived
		n, err = unix.EpollWait(p.epoll, p.events, 0)
	}
	if err != nil {
		return 0, fmt.Errorf("wait for queries: %w", err)
	}
	got := 0
	for _, ev := range p.events[:n] {
		if l := p.socket[ev.Fd]; l != nil {
			got += p.read(l, qs[got:])
		} else if ev.Fd == int32(p.wake) {
			p.drainWake()
		}
	}
	p.count.received.add(uint64(got))
	return got, nil
}

// milliseconds rounds up, so that a short wait is not a spin.
func milliseconds(wait time.Duration) int {
	return int(max(0, (wait+time.Millisecond-1)/time.Millisecond))
}

func (p *kernelPort) waitForWake(wait time.Duration) error {
	set := [1]unix.PollFd{{Fd: int32(p.wake), Events: unix.POLLIN}}
	n, err := unix.Poll(set[:], milliseconds(wait))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait to be woken: %w", err)
	}
	if n > 0 {
		p.drainWake()
	}
	return nil
}

func (p *kernelPort) drainWake() {
	var b [8]byte
	_, _ = unix.Read(p.wake, b[:]) // fails only if there is nothing to drain
	p.applyChanges()
}

// read fills qs from one socket as far as there is anything and memory for it.
func (p *kernelPort) read(l *leg, qs []frame.Query) (got int) {
	for got < len(qs) {
		n := min(len(qs)-got, len(p.slots.free), vectorMax)
		if n == 0 {
			break
		}
		free := p.slots.free
		for i := range n {
			p.in.put(i, p.slots.at(free[len(free)-1-i]))
		}
		k, errno := p.in.receive(l.in.fd, n)
		if errno != 0 || k == 0 {
			break // empty, or an interface that went down: reading has cleared the error
		}
		got += p.take(l, k, qs[got:])
		if k < n {
			break
		}
	}
	return got
}

// take turns k received datagrams into queries and returns the slots of those
// that are none.
func (p *kernelPort) take(l *leg, k int, qs []frame.Query) (got int) {
	base := len(p.slots.free) - k
	// The free list is used as a stack, so the k slots are a segment of memory
	// that refused ones are put back into, from the bottom.
	taken := p.slots.free[base:]
	p.slots.free = p.slots.free[:base]
	for i := range k {
		slot := taken[k-1-i]
		q := &qs[got]
		if !p.accept(l, i, slot, q) {
			l.refused = append(l.refused, slot)
			continue
		}
		q.IfIndex, q.Hint, q.Token = l.link.Index, frame.Hint{}, uint64(slot)
		got++
	}
	p.slots.free = append(p.slots.free, l.refused...)
	l.refused = l.refused[:0]
	return got
}

// accept decodes one datagram and counts why it is refused.
func (p *kernelPort) accept(l *leg, i int, slot uint32, q *frame.Query) bool {
	if p.in.truncated(i) {
		p.count.faults[frame.FaultTruncated].add(1)
		return false
	}
	if f := p.medium.decode(p.in, i, p.slots.at(slot)[:p.in.length(i)], l, q); f != frame.Whole {
		p.count.faults[f].add(1)
		return false
	}
	if !l.serves(&q.Link) {
		p.count.notForUs.add(1)
		return false
	}
	return true
}
