// Package thread sets how the kernel schedules a thread that a goroutine is locked to.
package thread

import "golang.org/x/sys/unix"

// Nice tells how nice the calling thread is, -20 to 19.
func Nice() (int, error) {
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	return 20 - nice, err // the system call returns 20 minus it
}

// Prefer makes the calling thread so many levels of nice less nice than it is, which
// five levels give about three times the share of a processor that others want, too.
// Without the right to that (CAP_SYS_NICE, LimitNICE=) it stays as it is.
func Prefer(levels int) {
	if nice, err := Nice(); err == nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, nice-levels)
	}
}
