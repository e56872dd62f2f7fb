package slowpath

import "sync/atomic"

// counter has one writer, the pump's goroutine, and any number of readers. One
// writer needs no atomic addition, only that readers see whole values.
type counter struct{ v atomic.Uint64 }

func (c *counter) add(n uint64) { c.v.Store(c.v.Load() + n) }
func (c *counter) set(n int)    { c.v.Store(uint64(n)) }
func (c *counter) load() uint64 { return c.v.Load() }

// pumpCounters is PumpStats as the pump writes it.
type pumpCounters struct {
	batches, queries, immediate, committed            counter
	shedInFlight, shedBacklog, shedStale, shedRequest counter
	shedMissed                                        counter
	noBuffer, commitFailed, refused                   counter
	inFlight                                          counter
}

// PumpStats is what one pump counted since it was made.
type PumpStats struct {
	Batches   uint64 // sent to disk and partners
	Queries   uint64 // handled
	Immediate uint64 // replies that waited for nothing
	Committed uint64 // replies sent after disk and partners were done

	ShedInFlight uint64 // DISCOVERs and the like (see isUrgent), of the busiest relay, while too much was in flight
	ShedBacklog  uint64 // the same, because the backlog was full
	ShedStale    uint64 // the same, because they waited until nobody expected an answer
	ShedRequest  uint64 // urgent queries, because the backlog was full of their kind
	ShedMissed   uint64 // other queries than DISCOVERs that waited while the server was stopped
	NoBuffer     uint64 // queries for whose reply the port had no buffer
	CommitFailed uint64 // replies dropped because their changes are not durable
	Refused      uint64 // replies dropped because a partner refused the change

	InFlight uint64 // queries waiting for disk and partners at this moment
}

// Add adds o to s, for totals over pumps.
func (s *PumpStats) Add(o *PumpStats) {
	s.Batches += o.Batches
	s.Queries += o.Queries
	s.Immediate += o.Immediate
	s.Committed += o.Committed
	s.ShedInFlight += o.ShedInFlight
	s.ShedBacklog += o.ShedBacklog
	s.ShedStale += o.ShedStale
	s.ShedRequest += o.ShedRequest
	s.ShedMissed += o.ShedMissed
	s.NoBuffer += o.NoBuffer
	s.CommitFailed += o.CommitFailed
	s.Refused += o.Refused
	s.InFlight += o.InFlight
}

// Stats may be called from any goroutine.
func (p *Pump) Stats() PumpStats {
	c := &p.count
	return PumpStats{
		Batches:      c.batches.load(),
		Queries:      c.queries.load(),
		Immediate:    c.immediate.load(),
		Committed:    c.committed.load(),
		ShedInFlight: c.shedInFlight.load(),
		ShedBacklog:  c.shedBacklog.load(),
		ShedStale:    c.shedStale.load(),
		ShedRequest:  c.shedRequest.load(),
		ShedMissed:   c.shedMissed.load(),
		NoBuffer:     c.noBuffer.load(),
		CommitFailed: c.commitFailed.load(),
		Refused:      c.refused.load(),
		InFlight:     c.inFlight.load(),
	}
}
