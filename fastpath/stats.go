package fastpath

import (
	"sync/atomic"

	"needletail/internal/frame"
)

// PortStats is what a port counted since it was opened. The fields mean what
// those of slowpath's kernel ports mean.
type PortStats struct {
	Received     uint64                   // queries handed to the worker
	Sent         uint64                   // replies that a ring or the kernel took
	SendFailed   uint64                   // replies for which the ring had no room
	Unroutable   uint64                   // replies that the kernel did not route
	NoBuffer     uint64                   // Buffer found none
	NotForUs     uint64                   // queries in a frame to another host, which a promiscuous interface hears
	KernelDrops  uint64                   // frames the kernel dropped because a ring was full, up to the last look
	Neighbours   uint64                   // replies whose MAC address came from the neighbour table
	KernelRouted uint64                   // replies left to the kernel to resolve
	Faults       [frame.FaultCount]uint64 // frames refused, by reason
}

// portCounters are written by the port's goroutine and read by any.
type portCounters struct {
	received, sent, sendFailed, unroutable, noBuffer, notForUs, neighbours, kernelRouted atomic.Uint64

	kernelDrops atomic.Uint64
	faults      [frame.FaultCount]atomic.Uint64
}

// Stats may be called from any goroutine.
func (p *Port) Stats() (s PortStats) {
	c := &p.count
	s = PortStats{
		Received: c.received.Load(), Sent: c.sent.Load(), SendFailed: c.sendFailed.Load(), Unroutable: c.unroutable.Load(),
		NoBuffer: c.noBuffer.Load(), NotForUs: c.notForUs.Load(), KernelDrops: c.kernelDrops.Load(), Neighbours: c.neighbours.Load(), KernelRouted: c.kernelRouted.Load(),
	}
	for i := range s.Faults {
		s.Faults[i] = c.faults[i].Load()
	}
	return s
}

// lookEvery is how many calls of Receive go by between two looks at what the
// kernel dropped; each look is a system call for every socket.
const lookEvery = 1024

// countDrops looks at what the kernel dropped at the port's sockets.
func (p *Port) countDrops() {
	sum := p.dropsEnded
	for _, l := range p.legs {
		if l != nil {
			sum += l.drops()
		}
	}
	p.count.kernelDrops.Store(sum)
}

// drops are the frames that the program redirected and no ring had room for.
func (l *leg) drops() uint64 {
	s, err := l.socket.Stats()
	if err != nil {
		return 0 // the interface is gone
	}
	return s.Rx_dropped + s.Rx_ring_full
}
