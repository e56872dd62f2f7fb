package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Nap sleeps in the kernel, which costs one switch of threads. time.Sleep would
// have the scheduler look for other work and set a timer as well. A signal may wake
// it early; d of 0 or less is no nap.
func Nap(d time.Duration) {
	if d > 0 {
		t := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&t, nil)
	}
}
