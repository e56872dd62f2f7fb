package xsk

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FrameSize is the size of a UMEM frame in bytes: a frame of MTU 1500 with two
// tags, behind the 256 bytes the kernel keeps for the XDP program.
const FrameSize = 2048

// Config describes a socket.
type Config struct {
	IfIndex  int
	Queue    int
	Frames   int  // in the UMEM
	RingSize int  // entries of each ring, a power of two; 0: 2048
	ZeroCopy bool // insist on zero-copy; else the kernel copies
}

// Desc is one frame on its way: where it lies in the UMEM and how long it is.
type Desc = unix.XDPDesc

// Stats are the kernel's counts of a socket since it was opened.
type Stats = unix.XDPStatistics

// Socket is an open AF_XDP socket with a UMEM of its own.
type Socket struct {
	fd       int
	umem     []byte
	fill     ring[uint64]
	done     ring[uint64]
	rx, tx   ring[Desc]
	zeroCopy bool
}

// Open creates a socket and binds it to a queue. It needs CAP_NET_RAW. An
// error names the remedy where there is one.
func Open(cfg Config) (_ *Socket, err error) {
	if cfg.RingSize == 0 {
		cfg.RingSize = 2048
	}
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open an AF_XDP socket (CAP_NET_RAW is needed): %w", err)
	}
	s := &Socket{fd: fd}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err := s.register(cfg); err != nil {
		return nil, err
	}
	if err := s.mapRings(uint32(cfg.RingSize)); err != nil {
		return nil, err
	}
	return s, s.bind(cfg)
}

func (s *Socket) register(cfg Config) (err error) {
	if s.umem, err = allocate(cfg.Frames * FrameSize); err != nil {
		return fmt.Errorf("allocate a UMEM of %d frames: %w", cfg.Frames, err)
	}
	reg := unix.XDPUmemReg{Addr: uint64(uintptr(unsafe.Pointer(&s.umem[0]))), Len: uint64(len(s.umem)), Size: FrameSize}
	if err := setsockopt(s.fd, unix.XDP_UMEM_REG, unsafe.Pointer(&reg), unsafe.Sizeof(reg)); err != nil {
		return fmt.Errorf("register a UMEM of %d bytes (raise the memlock limit?): %w", len(s.umem), err)
	}
	for _, opt := range []int{unix.XDP_UMEM_FILL_RING, unix.XDP_UMEM_COMPLETION_RING, unix.XDP_RX_RING, unix.XDP_TX_RING} {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_XDP, opt, cfg.RingSize); err != nil {
			return fmt.Errorf("make a ring of %d entries: %w", cfg.RingSize, err)
		}
	}
	// Linux 6.17 lets one call send more than 32 frames; an older kernel is
	// called more often.
	_ = unix.SetsockoptInt(s.fd, unix.SOL_XDP, unix.XDP_MAX_TX_SKB_BUDGET, cfg.RingSize)
	return nil
}

// allocate maps zeroed memory, in transparent huge pages if the kernel has them: frames
// are used in turn, and nearly each would miss the TLB. Every page is touched, since
// populating is not enough: in some virtual machines the first access by this process
// costs 10 µs a page, which is then paid by the first rush of queries (half a second of
// one worker, and 5 % of 60,000 DORA a second lost).
func allocate(n int) ([]byte, error) {
	m, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, err
	}
	_ = unix.Madvise(m, unix.MADV_HUGEPAGE) // a kernel without them says no
	for i := 0; i < n; i += os.Getpagesize() {
		m[i] = 0
	}
	return m, nil
}

func setsockopt(fd, opt int, v unsafe.Pointer, n uintptr) error {
	if _, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_XDP, uintptr(opt), uintptr(v), n, 0); errno != 0 {
		return errno
	}
	return nil
}

func getsockopt(fd, opt int, v unsafe.Pointer, n uintptr) error {
	size := uint32(n)
	if _, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_XDP, uintptr(opt), uintptr(v), uintptr(unsafe.Pointer(&size)), 0); errno != 0 {
		return errno
	}
	return nil
}

func (s *Socket) mapRings(size uint32) (err error) {
	var off unix.XDPMmapOffsets
	if err := getsockopt(s.fd, unix.XDP_MMAP_OFFSETS, unsafe.Pointer(&off), unsafe.Sizeof(off)); err != nil {
		return fmt.Errorf("read the ring offsets: %w", err)
	}
	if s.fill, err = mapRing[uint64](s.fd, unix.XDP_UMEM_PGOFF_FILL_RING, size, off.Fr); err != nil {
		return fmt.Errorf("map the fill ring: %w", err)
	}
	if s.done, err = mapRing[uint64](s.fd, unix.XDP_UMEM_PGOFF_COMPLETION_RING, size, off.Cr); err != nil {
		return fmt.Errorf("map the completion ring: %w", err)
	}
	if s.rx, err = mapRing[Desc](s.fd, unix.XDP_PGOFF_RX_RING, size, off.Rx); err != nil {
		return fmt.Errorf("map the receive ring: %w", err)
	}
	if s.tx, err = mapRing[Desc](s.fd, unix.XDP_PGOFF_TX_RING, size, off.Tx); err != nil {
		return fmt.Errorf("map the send ring: %w", err)
	}
	return nil
}

func (s *Socket) bind(cfg Config) error {
	sa := unix.SockaddrXDP{Ifindex: uint32(cfg.IfIndex), QueueID: uint32(cfg.Queue), Flags: unix.XDP_USE_NEED_WAKEUP | unix.XDP_COPY}
	if cfg.ZeroCopy {
		sa.Flags = unix.XDP_USE_NEED_WAKEUP | unix.XDP_ZEROCOPY
	}
	err := unix.Bind(s.fd, &sa)
	switch {
	case err == nil:
		s.zeroCopy = cfg.ZeroCopy
		return nil
	case errors.Is(err, unix.EOPNOTSUPP) && cfg.ZeroCopy:
		return fmt.Errorf("bind to queue %d: the driver has no zero-copy, set af-xdp: on: %w", cfg.Queue, err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("bind to queue %d: another AF_XDP socket holds it: %w", cfg.Queue, err)
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("bind to queue %d: no such queue, or the interface is down: %w", cfg.Queue, err)
	}
	return fmt.Errorf("bind to queue %d: %w", cfg.Queue, err)
}

// FD returns the descriptor, for polling and for the XSKMAP.
func (s *Socket) FD() int { return s.fd }

// ZeroCopy reports whether the driver reads and writes the UMEM itself.
func (s *Socket) ZeroCopy() bool { return s.zeroCopy }

// Stats reads the kernel's counts.
func (s *Socket) Stats() (Stats, error) {
	var st Stats
	err := getsockopt(s.fd, unix.XDP_STATISTICS, unsafe.Pointer(&st), unsafe.Sizeof(st))
	return st, err
}

// Close frees the socket, its rings and its UMEM.
func (s *Socket) Close() error {
	s.fill.unmap()
	s.done.unmap()
	s.rx.unmap()
	s.tx.unmap()
	err := unix.Close(s.fd)
	if s.umem != nil {
		_ = unix.Munmap(s.umem) // the mapping is ours and whole
		s.umem = nil
	}
	return err
}
