package suite

import (
	"context"
	"maps"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
)

// growth loads a running server at a fixed rate and records what an exchange
// cost it, as one point of a curve, with values of the caller's.
func (s *Suite) growth(ctx context.Context, st *site, who record.Server, work string, point int, rate float64, setup *peer.Setup, values map[string]float64) error {
	g, err := load.New(st.config(s.Clients, setup.Relays()), st.link)
	if err != nil {
		return err
	}
	g.Set(load.Mix{load.DORA: 1}, rate, 5*time.Second, false)
	r, cpu, err := s.measured(ctx, g, st.pids())
	if err != nil {
		return err
	}
	each := cpu.Server / float64(max(r.Completed, 1)) * 1e6
	s.Say("  %s %d %s: %.1f µs of processor an exchange, loss %.3f %%, p99 %d µs%s", work, point, label(who), each, 100*r.Loss, p99(r), remark(r))
	all := map[string]float64{"cpu_us_per_exchange": each, "p99_us": float64(p99(r))}
	maps.Copy(all, values)
	return s.write(&record.Record{Work: work, Server: who, Result: r, CPU: cpu, Point: float64(point), Values: all})
}
