package slowpath

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
	"needletail/internal/thread"
)

// A pinned pump runs on its processor and on no other, and comes before the rest of
// the process; a processor that is not there ends it, with its port closed.
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
	seen := make(chan schedule, 1)
	r.pump.o.Port = affine{r.port, seen}
	rest, err := thread.Nice()
	if err != nil {
		t.Fatal(err)
	}
	r.run()
	got := <-seen
	if !got.cpus.IsSet(last) || got.cpus.Count() != 1 {
		t.Errorf("a pump for processor %d has %d of them", last, got.cpus.Count())
	}
	if want := max(rest-preferred, -20); os.Geteuid() == 0 && got.nice != want {
		t.Errorf("a pump's nice is %d, the rest's %d", got.nice, rest)
	}
	lost := NewPump(PumpOptions{Port: newMemoryPort(1), Handler: new(echoHandler), Store: new(holdingStore), Pin: true, CPU: 1023})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := lost.Run(ctx); err == nil || !strings.Contains(err.Error(), "CPU 1023") || !lost.o.Port.(*memoryPort).closed {
		t.Errorf("a pump for a processor that is not there: %v", err)
	}
}

// schedule is how the kernel schedules a thread.
type schedule struct {
	cpus unix.CPUSet
	nice int
}

// affine is a port that tells how the thread that receives is scheduled.
type affine struct {
	*memoryPort
	seen chan<- schedule
}

func (p affine) Receive(qs []frame.Query, wait time.Duration) (int, error) {
	var now schedule
	if err := unix.SchedGetaffinity(0, &now.cpus); err != nil {
		return 0, err
	}
	var err error
	if now.nice, err = thread.Nice(); err != nil {
		return 0, err
	}
	select {
	case p.seen <- now:
	default: // told already
	}
	return p.memoryPort.Receive(qs, wait)
}
