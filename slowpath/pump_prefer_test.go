package slowpath

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// A pump's thread comes before the process's others.
func TestPrefer(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: raises a thread's priority")
	}
	type nice struct{ before, after int }
	got := make(chan nice)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		before, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
		prefer()
		after, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
		got <- nice{20 - before, 20 - after}
	}()
	n := <-got
	if want := max(n.before-preferred, -20); n.after != want {
		t.Errorf("nice %d became %d, want %d", n.before, n.after, want)
	}
}

// A pinned pump runs on its processor and on no other; one that is not there ends
// it, with its port closed.
func TestPin(t *testing.T) {
	var mine unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mine); err != nil {
		t.Fatal(err)
	}
	last := 0 // not the one where it would be by chance on most machines
	for cpu := range 1024 {
		if mine.IsSet(cpu) {
			last = cpu
		}
	}
	r := newRig(t, PumpOptions{Pin: true, CPU: last}, nil)
	seen := make(chan unix.CPUSet, 1)
	r.pump.o.Port = affine{r.port, seen}
	r.run()
	got := <-seen
	if !got.IsSet(last) || got.Count() != 1 {
		t.Errorf("a pump for processor %d has %d of them", last, got.Count())
	}
	lost := NewPump(PumpOptions{Port: newMemoryPort(1), Handler: new(echoHandler), Store: new(holdingStore), Pin: true, CPU: 1023})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := lost.Run(ctx); err == nil || !strings.Contains(err.Error(), "CPU 1023") || !lost.o.Port.(*memoryPort).closed {
		t.Errorf("a pump for a processor that is not there: %v", err)
	}
}

// affine is a port that tells the processors of the thread that receives.
type affine struct {
	*memoryPort
	seen chan<- unix.CPUSet
}

func (p affine) Receive(qs []frame.Query, wait time.Duration) (int, error) {
	var now unix.CPUSet
	if err := unix.SchedGetaffinity(0, &now); err != nil {
		return 0, err
	}
	select {
	case p.seen <- now:
	default: // told already
	}
	return p.memoryPort.Receive(qs, wait)
}
