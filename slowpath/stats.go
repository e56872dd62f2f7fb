package slowpath

import "sync/atomic"

// typeCount is the number of DHCP message types counted: 0 for none or unknown,
// else option 53.
const typeCount = 19

// counters belong to one worker, which alone writes them; anybody may read.
type counters struct {
	received [typeCount]atomic.Uint64
	sent     [typeCount]atomic.Uint64
	silence  [silenceCount]atomic.Uint64
	reused   atomic.Uint64
	nextNet  atomic.Uint64
	leftOut  atomic.Uint64
}

// Stats is what all workers of an engine counted since it was made. Every
// query is in exactly one of Received and in exactly one of Silence, where
// Answered (0) counts the replies.
type Stats struct {
	Received [typeCount]uint64    // queries by message type
	Sent     [typeCount]uint64    // replies by message type
	Silence  [silenceCount]uint64 // queries by why they got no reply; see Silence
	Reused   uint64               // renewals answered from the lease cache
	NextNet  uint64               // allocations that moved on to another subnet of the shared network
	LeftOut  uint64               // options that replies had no room for
}

// Stats sums the counters of all workers.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	workers := e.workers
	e.mu.Unlock()
	var s Stats
	for _, w := range workers {
		w.count.addTo(&s)
	}
	return s
}

func (c *counters) addTo(s *Stats) {
	for i := range s.Received {
		s.Received[i] += c.received[i].Load()
		s.Sent[i] += c.sent[i].Load()
	}
	for i := range s.Silence {
		s.Silence[i] += c.silence[i].Load()
	}
	s.Reused += c.reused.Load()
	s.NextNet += c.nextNet.Load()
	s.LeftOut += c.leftOut.Load()
}

// Count lets the owner of a worker count a silence the engine cannot see: a
// query given up before Handle or a reply that could not leave. One goroutine.
func (w *Worker) Count(s Silence) { w.count.silence[s].Add(1) }
