package leases

import (
	"runtime"
	"testing"
	"time"
	"unsafe"
)

func TestSlotIsOneCacheLine(t *testing.T) {
	if n := unsafe.Sizeof(slot{}); n != slotBytes {
		t.Errorf("a slot has %d bytes, want %d", n, slotBytes)
	}
}

// TestMemoryPerLease: a lease with Ethernet address and a client id of seven
// bytes takes at most 128 bytes of heap all told, at a million leases.
func TestMemoryPerLease(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := memStore(t, 1, "10.255.255.254")
	var b Batch
	for i := range uint64(million) {
		dora(t, s, 0, &b, i, 1_700_000_000)
		b.Reset()
	}
	begin := time.Now()
	after := heap()
	per := float64(after-before) / million
	t.Logf("%.1f bytes a lease, tables say %.1f; a collection takes %v in all", per, float64(s.Stats().Memory)/million, time.Since(begin))
	if per > 128 {
		t.Errorf("%.1f bytes a lease, want at most 128", per)
	}
	runtime.KeepAlive(s)
}

// A pool of sixteen million addresses costs little until it is used.
func TestHugePoolIsCheap(t *testing.T) {
	s := memStore(t, 1, "10.255.255.254")
	if n := s.Stats().Memory; n > 1<<20 {
		t.Errorf("an empty /8 takes %d bytes", n)
	}
}
