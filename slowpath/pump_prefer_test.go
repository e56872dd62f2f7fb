package slowpath

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
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
