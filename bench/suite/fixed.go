package suite

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
)

// fixed loads a contender at one rate and records it as work, with values of
// the caller's beside the processor time.
func (s *Suite) fixed(ctx context.Context, c Contender, work string, rate float64, d time.Duration, values map[string]float64) error {
	return s.single(ctx, c, base(), func(st *site, setup *peer.Setup) error {
		g, err := load.New(st.config(s.Clients, nil), st.link)
		if err != nil {
			return err
		}
		g.Set(load.Mix{load.DORA: 1}, rate, d, false)
		r, cpu, err := s.measured(ctx, g, st.pids())
		if err != nil {
			return err
		}
		who := st.about(c.Peer, setup)
		s.Say("  %s %s: %.2f s of processor for %d exchanges, loss %.3f %%, p99 %d µs%s", work, label(who), cpu.Server, r.Completed, 100*r.Loss, p99(r), remark(r))
		all := map[string]float64{"server_cpu_s_per_100k": cpu.Server / float64(max(r.Completed, 1)) * 1e5}
		maps.Copy(all, values)
		return s.write(&record.Record{Work: work, Server: who, Result: r, CPU: cpu, Values: all})
	})
}

// CPU measures the processor time of 100,000 DORA at 5,000 a second.
func (s *Suite) CPU(ctx context.Context, c Contender) error {
	return s.fixed(ctx, c, "cpu-at-5000", 5000, 20*time.Second, nil)
}

// Latency measures at half the highest DORA rate of reference, which is
// measured first if this run has not yet.
func (s *Suite) Latency(ctx context.Context, c, reference Contender) error {
	peak, err := s.highest(ctx, reference)
	if err != nil {
		return err
	}
	sync, err := diskSync(s.Dir)
	if err != nil {
		return err
	}
	return s.fixed(ctx, c, "latency-at-half", peak.PerSecond/2, 10*time.Second, map[string]float64{"disk_sync_us": float64(sync.Microseconds())})
}

// highest returns the result of the highest DORA rate of a contender that this
// run found, or finds it now.
func (s *Suite) highest(ctx context.Context, c Contender) (*load.Result, error) {
	if peak, ok := s.peaks[c.key()]; ok {
		return peak, nil
	}
	if err := s.DORA(ctx, c); err != nil {
		return nil, err
	}
	return s.peaks[c.key()], nil
}

func (c *Contender) key() string {
	return fmt.Sprint(c.Peer.Name, c.Durability, c.XDP, c.AFXDP, c.Send)
}

// diskSync writes so often and at such intervals: for three seconds, since what
// holds up a disk and its processor may come only a few times a second.
const (
	syncs     = 1500
	syncEvery = 2 * time.Millisecond
)

// diskSync returns the 99th percentile of writing 4 KB to a file and syncing
// its data, nobody else writing there.
func diskSync(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	took := make([]time.Duration, syncs)
	for i := range took {
		begin := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, fmt.Errorf("sync %s: %w", f.Name(), err)
		}
		took[i] = time.Since(begin)
		time.Sleep(syncEvery - took[i])
	}
	slices.Sort(took)
	return took[syncs*99/100], nil
}
