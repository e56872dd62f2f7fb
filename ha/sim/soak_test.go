package sim

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSoak runs new seeds, of all kinds in turn, for as long as NEEDLETAIL_SOAK says (1h, 10m), on all
// CPUs: make soak. It ends at the first ten seeds that fail.
func TestSoak(t *testing.T) {
	text := os.Getenv("NEEDLETAIL_SOAK")
	if text == "" {
		t.Skip("NEEDLETAIL_SOAK=10m runs new seeds for so long")
	}
	long, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("NEEDLETAIL_SOAK: %v", err)
	}
	var next, bad atomic.Uint64
	if next.Store(*from); *from == 0 {
		next.Store(uint64(time.Now().UnixMilli()))
	}
	first, end := next.Load(), time.Now().Add(long)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for time.Now().Before(end) && bad.Load() < 10 {
				seed := next.Add(1) - 1
				if r := run(t, kinds[seed%uint64(len(kinds))], seed); len(r.Broken) > 0 {
					bad.Add(1)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("seeds %d to %d, %d failed", first, next.Load()-1, bad.Load())
}
