package slowpath

import (
	"testing"
	"time"
)

// A query costs no allocation, whatever becomes of it.
func TestHandleDoesNotAllocate(t *testing.T) {
	result := testing.Benchmark(func(b *testing.B) {
		n := newBench(b)
		addr := n.bind()
		discover, request, renew := broadcast(benchDiscover()), broadcast(benchRequest(addr)), broadcast(benchRenew(addr))
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			n.now = n.now.Add(time.Duration(i%2) * 20 * time.Minute) // every other renewal is from the cache
			n.handle(discover)
			n.handle(request)
			n.handle(renew)
			n.batch.Reset()
		}
	})
	if result.N < 1000 {
		t.Skipf("only %d rounds in the time given", result.N)
	}
	if got := result.AllocsPerOp(); got != 0 {
		t.Errorf("%d allocations for a DISCOVER, a REQUEST and a renewal", got)
	}
}
