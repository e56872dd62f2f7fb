package xsk

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Frame returns the n bytes of the UMEM at addr, which the caller must own.
func (s *Socket) Frame(addr uint64, n uint32) []byte {
	return s.umem[addr : addr+uint64(n) : addr+uint64(n)]
}

// Base returns the address of the frame that addr lies in: received packets
// begin somewhere inside their frame.
func Base(addr uint64) uint64 { return addr &^ (FrameSize - 1) }

// Fill gives frames to the kernel to receive into; it returns how many the
// ring had room for.
func (s *Socket) Fill(frames []uint64) int { return s.fill.put(frames) }

// Receive moves received frames to dst and returns how many there were. The
// caller owns them until it gives them back with Fill.
func (s *Socket) Receive(dst []Desc) int { return s.rx.take(dst) }

// Send queues frames; it returns how many the ring had room for. They belong
// to the kernel until Completed returns them.
func (s *Socket) Send(src []Desc) int { return s.tx.put(src) }

// Completed moves the addresses of frames that were sent to dst.
func (s *Socket) Completed(dst []uint64) int { return s.done.take(dst) }

// kickMax bounds the system calls of one Kick: a full ring in portions of 32.
const kickMax = 128

// Kick starts the sending of what is queued, where the kernel asks for it. In
// copy mode one call sends a bounded number, so it calls until the ring is
// empty or the device is busy; the next Kick then goes on. The calls are raw ones, of
// which Go's scheduler does not know: each takes some tens of microseconds, after which
// it would give this thread's processor away and look for more such every 20 µs.
func (s *Socket) Kick() error {
	for calls := 0; calls < kickMax && s.tx.wakeup() && s.tx.pending(); calls++ {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0 || errors.Is(errno, unix.EAGAIN) || errors.Is(errno, unix.EINTR):
		case errors.Is(errno, unix.EBUSY) || errors.Is(errno, unix.ENOBUFS):
			return nil
		default:
			return errno
		}
	}
	return nil
}
