package leases

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// SyncBuckets is the number of buckets of Stats.SyncTimes: bucket i counts
// commits that took at most 2^i microseconds, the last one all longer ones.
const SyncBuckets = 24

// counters are written by the committer and read by anyone.
type counters struct {
	commits, changes, bytes, failures atomic.Uint64
	corrupt, rewritten, owedDropped   atomic.Uint64
	inFlight                          atomic.Int64
	failing                           atomic.Bool
	syncs                             [SyncBuckets]atomic.Uint64
	syncNanos                         atomic.Uint64
}

// observe counts one commit's time from first write to sync.
func (c *counters) observe(d time.Duration) {
	i := min(bits.Len64(uint64(d.Microseconds())), SyncBuckets-1)
	c.syncs[i].Add(1)
	c.syncNanos.Add(uint64(d))
}

// SubnetStats counts the leases of one subnet.
type SubnetStats struct {
	ID                                             uint32
	Active, Declined, Reclaimed, Released, Offered int64
	Pool                                           uint64 // addresses in pools
}

// Stats is what metrics show.
type Stats struct {
	Subnets   []SubnetStats
	Orphans   int // leases of addresses that no subnet has
	Commits   uint64
	Changes   uint64
	Bytes     uint64 // of keys and values written
	Failures  uint64 // commits that failed
	Corrupt   uint64 // stored values that were refused at start
	Rewritten uint64 // releases and deletions written after their first commit failed, and leases left
	Dropped   uint64 // of those, given up because too many were waiting
	InFlight  int64  // batches submitted and not done
	Failing   bool   // the latest commit failed
	SyncTimes [SyncBuckets]uint64
	SyncTotal time.Duration
	Memory    int // bytes of lease tables
	Seq       uint64
}

// Stats reads all counters. It takes each network's lock for a moment.
func (s *Store) Stats() Stats {
	c := &s.stats
	out := Stats{
		Commits: c.commits.Load(), Changes: c.changes.Load(), Bytes: c.bytes.Load(), Failures: c.failures.Load(),
		Corrupt: c.corrupt.Load(), Rewritten: c.rewritten.Load(), Dropped: c.owedDropped.Load(),
		InFlight: c.inFlight.Load(), Failing: c.failing.Load(), SyncTotal: time.Duration(c.syncNanos.Load()), Seq: s.Seq(),
	}
	for i := range out.SyncTimes {
		out.SyncTimes[i] = c.syncs[i].Load()
	}
	s.admin.RLock()
	defer s.admin.RUnlock()
	out.Orphans = len(s.orphans)
	for _, n := range s.layout.Load().nets {
		n.mu.Lock()
		out.Memory += n.bytes()
		for _, sub := range n.subnets {
			out.Subnets = append(out.Subnets, sub.stats())
		}
		n.mu.Unlock()
	}
	return out
}

func (sub *subnet) stats() SubnetStats {
	st := SubnetStats{
		ID: sub.id, Active: sub.counts[countActive], Declined: sub.counts[countDeclined],
		Reclaimed: sub.counts[countReclaimed], Released: sub.counts[countReleased], Offered: sub.counts[countOffered],
	}
	for _, p := range sub.pools {
		st.Pool += uint64(p.size())
	}
	return st
}
