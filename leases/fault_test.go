package leases

import (
	"fmt"
	"testing"
)

// TestCrashAtEveryWrite stops the disk for good at each of its writes and syncs
// in turn, loses part of what was not synced, and opens the rest: every lease
// that was acknowledged must be there, with no earlier end.
func TestCrashAtEveryWrite(t *testing.T) {
	last := false
	for at := 1; !last; at++ {
		d := newFaultDisk()
		d.half = at%2 == 0
		stopped := false
		r := newFaultRun(t, d, 3)
		from := d.calls
		d.fail = func(call int) bool { stopped = stopped || call-from >= at; return stopped }
		r.run(faultSteps)
		last = !stopped
		r.s.Close()
		again := openFault(t, d.crash(r.rng), r.clock)
		r.present(again, fmt.Sprintf("stopped at write %d", at))
		again.Close()
		if t.Failed() {
			return
		}
	}
}

// TestFailOnceAtEveryWrite lets each write and sync fail once. Afterwards a lease
// that the table calls durable must be on disk as it is, and a lease that ended
// must not come back.
func TestFailOnceAtEveryWrite(t *testing.T) {
	for at, more := 1, true; more; at++ {
		d := newFaultDisk()
		d.half = at%2 == 0
		more = false
		r := newFaultRun(t, d, 5)
		from := d.calls
		d.fail = func(call int) bool { more = more || call-from == at; return call-from == at }
		r.run(faultSteps)
		r.s.Close()
		if more && r.fails == 0 {
			t.Errorf("write %d failed and no batch was told so", at)
		}
		again := openFault(t, d.crash(r.rng), r.clock)
		r.present(again, fmt.Sprintf("write %d failed once", at))
		r.compare(again, at)
		again.Close()
		if t.Failed() {
			return
		}
	}
}
