// Package thread sets how the kernel schedules a thread that a goroutine is locked to.
package thread

import "golang.org/x/sys/unix"

// Prefer makes the calling thread so many levels of nice less nice than it is, which
// five levels give about three times the share of a processor that others want, too.
// Without the right to that (CAP_SYS_NICE, LimitNICE=) it stays as it is.
func Prefer(levels int) {
	if nice, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 20-nice-levels) // the system call returns 20 minus it
	}
}
