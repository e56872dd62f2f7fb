package ha

import (
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
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

// What fetches the pages of a sync ends with it, also with a page on the way.
func TestSyncEndLeavesNoGoroutine(t *testing.T) {
	n, k := withFakeKea(t)
	k.set(func() {
		k.odd[pageName] = `[ { "result": 0, "arguments": { "entries": "AAAA", "next": "192.0.2.20" } } ]`
		k.once[pageName] = true
	})
	l := n.links[0]
	l.conf.SyncTimeout = time.Hour // of a page
	conn, done := l.partner.ctl.own(t.Context())
	defer done()
	if err := l.syncNeedle(t.Context(), l.partner, conn, newMerger(n.store, nil, &l.touched)); err == nil {
		t.Fatal("a page of an unknown version was taken")
	}
	waitFor(t, "the fetcher has ended", func() bool { return !strings.Contains(goroutines(), "needletail/ha.(*link).fetch") })
}

// Close waits for a sync that an operator began.
func TestCloseWaitsForSyncByHand(t *testing.T) {
	n, k := withFakeKea(t)
	k.set(func() { k.hang["lease4-get-page"] = true })
	go n.reg.Call(t.Context(), "ha-sync", []byte(`{"server-name":"server2"}`))
	waitFor(t, "a page is asked for", func() bool { return slices.Contains(k.names(), "lease4-get-page") })
	l := n.links[0]
	l.touched.mu.Lock() // at its end it forgets what was touched
	goOn := sync.OnceFunc(l.touched.mu.Unlock)
	t.Cleanup(goOn)
	closed := make(chan struct{})
	go func() { defer close(closed); n.Close() }()
	waitFor(t, "Close waits", func() bool {
		return n.ctx.Err() != nil && strings.Contains(goroutines(), "needletail/ha.(*Driver).Close")
	})
	goOn()
	<-closed
	if l.syncing() {
		t.Error("the sync goes on")
	}
}

func goroutines() string {
	runtime.GC() // what only finalizers end
	var b strings.Builder
	pprof.Lookup("goroutine").WriteTo(&b, 1)
	return b.String()
}
