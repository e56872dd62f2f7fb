package thread

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPrefer(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: raises a thread's priority")
	}
	type nice struct{ before, after int }
	got := make(chan nice)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		before, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
		Prefer(5)
		after, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
		got <- nice{20 - before, 20 - after}
	}()
	n := <-got
	if want := max(n.before-5, -20); n.after != want {
		t.Errorf("nice %d became %d, want %d", n.before, n.after, want)
	}
}
