package load

import (
	"fmt"
	"net"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	packetBatch = 64   // frames per system call
	packetSize  = 2048 // bytes per buffer, more than a frame of MTU 1500
	packetQueue = 4 << 20
)

// Packet is a Link over an AF_PACKET socket: works on every interface. It is
// not safe for concurrent use.
type Packet struct {
	fd         int
	tx, rx     []mmsghdr
	txIov      []unix.Iovec
	rxIov      []unix.Iovec
	txBuf      []byte
	rxBuf      []byte
	queued     int
	polls      [1]unix.PollFd
	Overloaded uint64 // frames the kernel would not take
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// OpenPacket binds a Link to an interface of the calling thread's network
// namespace. It needs CAP_NET_RAW.
func OpenPacket(ifname string) (*Packet, error) { return openPacket(ifname, unix.ETH_P_ALL) }

// openPacket does the same for frames of one protocol.
func openPacket(ifname string, protocol uint16) (*Packet, error) {
	ifi, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("open %s for packets: %w", ifname, err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0) // nothing before it is bound
	if err != nil {
		return nil, fmt.Errorf("open %s for packets (CAP_NET_RAW is needed): %w", ifname, err)
	}
	p := &Packet{fd: fd, polls: [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}}
	if err := p.bind(ifi.Index, htons(protocol)); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("bind to %s: %w", ifname, err)
	}
	p.prepare()
	return p, nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

func (p *Packet) bind(ifindex int, protocol uint16) error {
	// Without the queue discipline and with large buffers the socket itself
	// is never the bottleneck; a kernel that refuses is merely slower.
	_ = unix.SetsockoptInt(p.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
	_ = unix.SetsockoptInt(p.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	_ = unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, packetQueue)
	_ = unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, packetQueue)
	if err := unix.SetsockoptPacketMreq(p.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
		&unix.PacketMreq{Ifindex: int32(ifindex), Type: unix.PACKET_MR_PROMISC}); err != nil {
		return err
	}
	return unix.Bind(p.fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: ifindex})
}

func (p *Packet) prepare() {
	p.txBuf, p.rxBuf = make([]byte, packetBatch*packetSize), make([]byte, packetBatch*packetSize)
	p.tx, p.txIov = vectors(p.txBuf)
	p.rx, p.rxIov = vectors(p.rxBuf)
}

func vectors(buf []byte) ([]mmsghdr, []unix.Iovec) {
	hdrs, iovs := make([]mmsghdr, packetBatch), make([]unix.Iovec, packetBatch)
	for i := range hdrs {
		iovs[i].Base = &buf[i*packetSize]
		iovs[i].SetLen(packetSize)
		hdrs[i].hdr.Iov = &iovs[i]
		hdrs[i].hdr.SetIovlen(1)
	}
	return hdrs, iovs
}

// Mode implements Port.
func (p *Packet) Mode() string { return "none, AF_PACKET" }

// Buffer implements Link.
func (p *Packet) Buffer() []byte {
	if p.queued == packetBatch && p.Flush() != nil {
		return nil
	}
	return p.txBuf[p.queued*packetSize:][:packetSize]
}

// Commit implements Link.
func (p *Packet) Commit(n int) {
	p.txIov[p.queued].SetLen(n)
	p.queued++
}

// Flush implements Link. Frames that the interface has no room for are
// dropped and counted, as on a real wire.
func (p *Packet) Flush() error {
	for sent := 0; sent < p.queued; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(p.fd), uintptr(unsafe.Pointer(&p.tx[sent])), uintptr(p.queued-sent), 0, 0, 0)
		switch errno {
		case 0:
			sent += int(n)
		case unix.EINTR:
		case unix.EAGAIN, unix.ENOBUFS:
			p.Overloaded += uint64(p.queued - sent)
			sent = p.queued
		default:
			p.queued = 0
			return errno
		}
	}
	p.queued = 0
	return nil
}

// Receive implements Link.
func (p *Packet) Receive(f func(frame []byte)) error {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(p.fd), uintptr(unsafe.Pointer(&p.rx[0])), packetBatch, unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EAGAIN || errno == unix.EINTR {
			return nil
		}
		if errno != 0 {
			return errno
		}
		for i := range int(n) {
			f(p.rxBuf[i*packetSize:][:min(p.rx[i].n, packetSize)])
		}
		if n < packetBatch {
			return nil
		}
	}
}

// Wait implements Link.
func (p *Packet) Wait(d time.Duration) error { return wait(p.polls[:], d) }

// sleep leaves the processor without the runtime's timers, which would cost
// more than they save at a hundred microseconds.
func sleep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil) // a signal makes it short, which does not matter
}

// Close frees the socket.
func (p *Packet) Close() error { return unix.Close(p.fd) }
