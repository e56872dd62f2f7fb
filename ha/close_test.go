package ha

import (
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
)

// A closed driver leaves no goroutine of ours behind, whatever it was doing:
// here one of two has lost its partner in the middle of common operation.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	a, b := freePort(t), freePort(t)
	for range 2 {
		first := startNode(t, pairConfig("server1", "load-balancing", a, b))
		second := startNode(t, pairConfig("server2", "load-balancing", a, b))
		first.reach(LoadBalancing)
		second.reach(LoadBalancing)
		first.lease("192.0.2.20", 1)
		if !strings.Contains(goroutines(), "needletail/ha.(*Driver)") {
			t.Fatal("the names below are not those of our goroutines")
		}
		second.Close()
		first.Close()
	}
	var left string
	defer func() {
		if t.Failed() {
			t.Log(left)
		}
	}()
	waitFor(t, "every goroutine of package ha has ended", func() bool {
		left = goroutines()
		return !strings.Contains(left, "needletail/ha.(*Driver)") && !strings.Contains(left, "needletail/ha.(*peer)") &&
			!strings.Contains(left, "needletail/ha.(*lane)") && !strings.Contains(left, "control.(*httpServer)")
	})
}

func goroutines() string {
	runtime.GC() // what only finalizers end
	var b strings.Builder
	pprof.Lookup("goroutine").WriteTo(&b, 1)
	return b.String()
}
