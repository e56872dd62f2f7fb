package fastpath

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// near runs f on a processor, so that the memory f touches first lies with it.
// Any processor will do for a cpu below 0.
func near(cpu int, f func() error) error {
	if cpu < 0 {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, only unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("read the processors of this thread: %w", err)
	}
	only.Set(cpu)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return fmt.Errorf("use processor %d (fast-path: cpus; lscpu lists them): %w", cpu, err)
	}
	defer unix.SchedSetaffinity(0, &before)
	return f()
}
