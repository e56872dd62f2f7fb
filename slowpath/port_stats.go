package slowpath

import "needletail/internal/frame"

// drops returns how many queries the kernel dropped on an interface since the
// last look.
func (sd *side) drops(raw bool) (n uint64) {
	if !raw {
		now := udpDrops(sd.udp.fd)
		n = uint64(now - sd.seen)
		sd.seen = now
		return n
	}
	for _, in := range sd.in {
		n += packetDrops(in.fd)
	}
	return n
}

// Stats returns what all ports counted, and what the kernel dropped before them.
func (s *Ports) Stats() PortStats {
	s.mu.Lock()
	for _, sd := range s.sides {
		s.drops += sd.drops(s.raw)
	}
	total := PortStats{KernelDrops: s.drops}
	s.mu.Unlock()
	if s.neighbours != nil {
		total.NeighboursLost = s.neighbours.Lost()
	}
	for _, p := range s.ports {
		total.Add(p.count.stats())
	}
	return total
}

// WorkerStats returns what the port of worker i counted.
func (s *Ports) WorkerStats(i int) PortStats { return *s.ports[i].count.stats() }

func (c *portCounters) stats() *PortStats {
	st := &PortStats{
		Received:     c.received.load(),
		Sent:         c.sent.load(),
		SendFailed:   c.sendFailed.load(),
		Unroutable:   c.unroutable.load(),
		NoBuffer:     c.noBuffer.load(),
		NotForUs:     c.notForUs.load(),
		Neighbours:   c.neighbours.load(),
		KernelRouted: c.kernelRouted.load(),
	}
	for f := range frame.FaultCount {
		st.Faults[f] = c.faults[f].load()
	}
	return st
}

// PortStats is what a port counted since it was opened. What the ports of a set
// share, KernelDrops and NeighboursLost, only totals have.
type PortStats struct {
	Received     uint64                   // queries handed to the worker
	Sent         uint64                   // replies the kernel took
	SendFailed   uint64                   // replies it did not
	Unroutable   uint64                   // replies for an interface the port does not have
	NoBuffer     uint64                   // Buffer found none
	KernelDrops  uint64                   // frames the kernel dropped because the socket was full
	NotForUs     uint64                   // queries to an address this interface does not serve
	Neighbours   uint64                   // replies whose MAC address came from the neighbour table
	KernelRouted uint64                   // replies left to the kernel to resolve
	Faults       [frame.FaultCount]uint64 // frames refused, by reason

	NeighboursLost uint64 // times that changes of the neighbour table were lost, and it was read anew
}

// Add adds o to s, for totals over workers.
func (s *PortStats) Add(o *PortStats) {
	s.Received += o.Received
	s.Sent += o.Sent
	s.SendFailed += o.SendFailed
	s.Unroutable += o.Unroutable
	s.NoBuffer += o.NoBuffer
	s.KernelDrops += o.KernelDrops
	s.NotForUs += o.NotForUs
	s.Neighbours += o.Neighbours
	s.KernelRouted += o.KernelRouted
	s.NeighboursLost += o.NeighboursLost
	for i := range s.Faults {
		s.Faults[i] += o.Faults[i]
	}
}
