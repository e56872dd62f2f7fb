package fastpath

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
	"needletail/internal/xsk"
)

// Tokens of queries: the slot of the leg above the address of the frame.
const slotShift = 48

// Receive fills qs with what has arrived. Where nothing has, it blocks until
// something does, Wake is called, or wait has passed, rounded up to a
// millisecond.
func (p *Port) Receive(qs []frame.Query, wait time.Duration) (int, error) {
	p.follow()
	if p.receives++; p.receives%lookEvery == 0 {
		p.countDrops()
	}
	if n := p.gather(qs); n > 0 {
		return n, nil
	}
	if err := p.poll(wait, len(qs) > 0); err != nil {
		return 0, err
	}
	p.follow()
	return p.gather(qs), nil
}

// gather takes from each socket in turn, beginning where it left off.
func (p *Port) gather(qs []frame.Query) (n int) {
	for range p.legs {
		p.next = (p.next + 1) % len(p.legs)
		l := p.legs[p.next]
		if l == nil || l.gone {
			continue
		}
		n += p.take(l, qs[n:])
		if n == len(qs) {
			break
		}
	}
	p.count.received.Add(uint64(n))
	return n
}

// take reads queries from one socket, as long as there are any. Frames that are
// none go back at the end, or a flood of them would keep it here.
func (p *Port) take(l *leg, qs []frame.Query) (n int) {
	for n < len(qs) {
		got := l.socket.Receive(p.descs[:min(len(qs)-n, receiveMax)])
		if got == 0 {
			break
		}
		p.warm(l, p.descs[:got])
		n += p.sift(l, p.descs[:got], qs[n:])
	}
	l.out += n
	l.refill()
	return n
}

// cacheLine is a processor's unit of memory; another size costs time only.
const cacheLine = 64

// warm reads a byte of each cache line of frames, and of the hints before them, that
// another processor wrote. One after the other, as they are parsed, each would be
// waited for; here the processor fetches many at a time.
func (p *Port) warm(l *leg, descs []xsk.Desc) {
	for _, d := range descs {
		from := max(xsk.Base(d.Addr), d.Addr-cacheLine)
		b := l.socket.Frame(from, d.Len+uint32(d.Addr-from))
		for at := 0; at < len(b); at += cacheLine {
			p.warmed += b[at]
		}
	}
}

// sift turns frames of one socket into queries.
func (p *Port) sift(l *leg, descs []xsk.Desc, qs []frame.Query) (n int) {
	for _, d := range descs {
		q := &qs[n]
		if !p.accept(l, l.socket.Frame(d.Addr, d.Len), q) {
			l.fill = append(l.fill, xsk.Base(d.Addr))
			continue
		}
		q.IfIndex = l.index
		q.Hint = hint(l.socket.Frame(xsk.Base(d.Addr), uint32(d.Addr-xsk.Base(d.Addr))))
		q.Token = uint64(l.slot)<<slotShift | d.Addr
		n++
	}
	return n
}

// accept reads a frame, or counts why it is no query of ours. The kernel has not
// looked at it: what its sockets would never see is refused here.
func (p *Port) accept(l *leg, b []byte, q *frame.Query) bool {
	if f := frame.Parse(b, frame.Meta{Partial: true}, q); f != frame.Whole {
		p.count.faults[f].Add(1)
		return false
	}
	const group = 1 // of the first byte: broadcast and multicast
	if to := q.Link.DstMAC; to != address(l.mac.Load()) && to[0]&group == 0 {
		p.count.notForUs.Add(1)
		return false
	}
	return true
}

// Done gives queries back.
func (p *Port) Done(qs []frame.Query) {
	for i := range qs {
		l := p.legs[qs[i].Token>>slotShift]
		l.fill = append(l.fill, xsk.Base(qs[i].Token&(1<<slotShift-1)))
		l.out--
	}
	for _, l := range p.legs {
		switch {
		case l == nil:
		case l.gone:
			p.end(l)
		default:
			l.refill()
		}
	}
}

// HeldMax is how many queries may wait without a queue lacking frames for what
// comes, even if all are of one.
func (p *Port) HeldMax() int {
	held := math.MaxInt
	for _, l := range p.legs {
		if l != nil && !l.gone {
			held = min(held, l.held)
		}
	}
	return held
}

// poll waits for a frame, where that is asked for, or for Wake.
func (p *Port) poll(wait time.Duration, frames bool) error {
	p.polled = append(p.polled[:0], unix.PollFd{Fd: int32(p.wake), Events: unix.POLLIN})
	for _, l := range p.legs {
		if frames && l != nil && !l.gone {
			p.polled = append(p.polled, unix.PollFd{Fd: int32(l.socket.FD()), Events: unix.POLLIN})
		}
	}
	_, err := unix.Poll(p.polled, int((max(wait, 0)+time.Millisecond-1)/time.Millisecond))
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("wait for frames: %w", err)
	}
	if p.polled[0].Revents != 0 {
		var b [8]byte
		_, _ = unix.Read(p.wake, b[:]) // only its being read counts
	}
	return nil
}
