package suite

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"needletail/bench/peer"
	"needletail/bench/record"
)

// startRate is how many clients a second get leases from a server that holds
// many: one that every server here that can hold them serves.
const startRate = 2000

// Start measures a server that holds n leases: the time from its start to its
// first answer, its resident memory then, and what a DORA costs it at
// startRate. Records are points of growth/leases.
func (s *Suite) Start(ctx context.Context, c Contender, n int) error {
	s.prepare()
	st, err := newSite(ctx, s.medium(c), nil, 1)
	if err != nil {
		return err
	}
	defer st.close()
	s.env.XDP, s.env.Driver = st.mode, st.driver
	dir, err := s.room(fmt.Sprintf("%s-%d", c.Peer.Name, n))
	if err != nil {
		return err
	}
	st.removeLater(dir)
	setup := base()
	setup.Lifetime = 24 * time.Hour
	c.apply(&setup)
	if n > 0 {
		if err := writeLeases(filepath.Join(dir, "leases.csv"), n); err != nil {
			return err
		}
		if err := c.Peer.Import(&setup, dir, filepath.Join(dir, "leases.csv")); err != nil {
			return err
		}
	}
	begun := time.Now()
	if err := st.startIn(c.Peer, &setup, 0, dir); err != nil {
		return err
	}
	if err := st.ready(ctx, 10*time.Minute, nil); err != nil {
		return fmt.Errorf("%s with %d leases: %w", c.Peer.Name, n, err)
	}
	took := time.Since(begun)
	if err := st.receiving(ctx, c.Peer, &setup); err != nil {
		return err
	}
	rss, err := record.ProcessRSS(st.pids()[0])
	if err != nil {
		return err
	}
	who := st.about(c.Peer, &setup)
	s.Say("  start %s: %d leases, first answers after %v, %d MB resident", label(who), n, took.Round(time.Millisecond), rss>>20)
	return s.growth(ctx, st, who, "growth/leases", max(n, 1), startRate, &setup, map[string]float64{
		"start_ms": float64(took.Milliseconds()), "rss_bytes": float64(rss)})
}

// Grow measures DORA at a fixed rate with so many subnets, each with its own
// relay. Records are points of growth/subnets.
func (s *Suite) Grow(ctx context.Context, c Contender, subnets int, rate float64) error {
	setup := base()
	setup.Subnets = subnets
	return s.single(ctx, c, setup, func(st *site, setup *peer.Setup) error {
		return s.growth(ctx, st, st.about(c.Peer, setup), "growth/subnets", subnets, rate, setup, nil)
	})
}

// Ally measures DORA at a fixed rate on a hub with so many relationships, whose
// spokes are gone; each has a subnet and a relay. Records are points of
// growth/relationships.
func (s *Suite) Ally(ctx context.Context, c Contender, relationships int, rate float64) error {
	setup := base()
	setup.Subnets, setup.Spokes = max(relationships, 2), relationships
	return s.single(ctx, c, setup, func(st *site, setup *peer.Setup) error {
		return s.growth(ctx, st, st.about(c.Peer, setup), "growth/relationships", relationships, rate, setup, nil)
	})
}

// Widen measures DORA at a fixed rate with so many queues of the link, each
// with a worker where a server has one for each. Records are points of
// growth/workers.
func (s *Suite) Widen(ctx context.Context, c Contender, workers int, rate float64) error {
	setup := base()
	setup.Workers = workers
	return s.single(ctx, c, setup, func(st *site, setup *peer.Setup) error {
		return s.growth(ctx, st, st.about(c.Peer, setup), "growth/workers", workers, rate, setup, nil)
	})
}
