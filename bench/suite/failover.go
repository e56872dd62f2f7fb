package suite

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
)

// How a failover is timed: clients begin at failoverRate and repeat their
// message every failoverRetry, so the longest any of them waited is the time
// without service, to within one repetition.
const (
	failoverRate  = 500
	failoverRetry = 20 * time.Millisecond
	failoverKill  = 3 * time.Second
	failoverBack  = 10 * time.Second
	failoverTotal = 20 * time.Second
)

// Detection is how a pair notices that a partner is gone.
type Detection struct {
	Heartbeat, Dead time.Duration
	Unacked         int
}

// Failover kills the first server of a pair with SIGKILL under load and starts
// it again, and records the timeline. The value failover_ms is the longest
// wait of a client that began before the restart.
func (s *Suite) Failover(ctx context.Context, c Contender, det Detection) error {
	setups := [2]*peer.Setup{}
	for i := range setups {
		setup := base()
		setups[i] = pairSetup(*c.apply(&setup), i)
		setups[i].HA.Delay, setups[i].HA.Dead, setups[i].HA.Unacked = det.Heartbeat, det.Dead, det.Unacked
	}
	start := func(st *site) error {
		for i, setup := range setups {
			if err := st.start(s, c.Peer, setup, i); err != nil {
				return err
			}
		}
		return nil
	}
	return s.on(ctx, c, newPairSite, setups[0], start, func(st *site, first *peer.Setup) error {
		return s.killAndRestart(ctx, st, c, first, det)
	})
}

func (s *Suite) killAndRestart(ctx context.Context, st *site, c Contender, first *peer.Setup, det Detection) error {
	cfg := st.config(int(failoverRate*failoverTotal.Seconds())+1000, nil)
	cfg.Rate, cfg.Duration = failoverRate, failoverTotal
	cfg.Retransmit, cfg.BackOff, cfg.Timeout, cfg.FlatRetry = true, failoverRetry, failoverTotal, true
	g, err := load.New(cfg, st.link)
	if err != nil {
		return err
	}
	restarted := make(chan error, 1)
	go func() {
		err := pause(ctx, failoverKill)
		if err == nil {
			err = st.running[0].Cmd.Process.Signal(syscall.SIGKILL)
		}
		if err == nil {
			err = pause(ctx, failoverBack-failoverKill)
		}
		if err == nil {
			err = st.startIn(c.Peer, first, 0, st.dirs[0])
		}
		restarted <- err
	}()
	r, err := g.Run(ctx)
	if err := <-restarted; err != nil {
		return fmt.Errorf("kill and restart the first server: %w", err)
	}
	if err != nil {
		return err
	}
	who := st.about(c.Peer, first)
	gap := longest(r, failoverKill-time.Second, failoverBack)
	s.Say("  failover %s: heartbeat %v, dead after %v: %d ms without service, %d exchanges lost", label(who), det.Heartbeat, det.Dead, gap, r.Failed)
	return s.write(&record.Record{Work: "timeline/failover", Server: who, Result: r, Values: map[string]float64{
		"failover_ms": float64(gap), "heartbeat_ms": float64(det.Heartbeat.Milliseconds()), "max_response_delay_ms": float64(det.Dead.Milliseconds())}})
}

// longest returns the longest latency of the exchanges done in a part of the
// run, in milliseconds.
func longest(r *load.Result, from, to time.Duration) uint32 {
	most := uint32(0)
	for i, slice := range r.Timeline {
		at := time.Duration(i) * 100 * time.Millisecond
		if at >= from && at < to {
			most = max(most, slice.MaxU/1000)
		}
	}
	return most
}
