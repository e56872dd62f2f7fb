package server

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
)

// Go lets the heap double before it collects. Of a server with many leases that
// would be the lease tables' size in garbage; there are no pointers in them, so to
// collect earlier costs a few milliseconds of one processor each time.
const (
	garbageMin        = 24 << 20 // bytes that may gather, whatever is alive
	garbagePercentMin = 20       // of what is alive
	garbagePercentMax = 100      // Go's default
)

// garbage keeps the share of memory that is garbage small. The server's loop
// owns it.
type garbage struct {
	percent int // set last; 0: none
}

// tend sets the collector's percentage anew when that makes a difference: it
// stops every goroutine for a moment. Whoever sets GOGC knows better.
func (g *garbage) tend() {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	p := garbagePercent(live[0].Value.Uint64())
	if 10*p < 9*g.percent || 10*p > 11*g.percent {
		debug.SetGCPercent(p)
		g.percent = p
	}
}

// garbagePercent is how much may gather, in percent of so many bytes alive.
func garbagePercent(live uint64) int {
	return int(min(max(garbageMin*100/max(live, 1), garbagePercentMin), garbagePercentMax))
}
