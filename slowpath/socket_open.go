package slowpath

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// socketBuffer is asked for as receive and send buffer of every socket, bytes.
// The kernel counts about 2.3 KB for a query, so it holds some 7,000.
const socketBuffer = 16 << 20

// closer undoes what a failing constructor has done.
type closer []int

func (c *closer) keep(fd int) int {
	*c = append(*c, fd)
	return fd
}

func (c *closer) closeAll() {
	for _, fd := range *c {
		unix.Close(fd)
	}
}

// openPacket opens a deaf AF_PACKET socket bound to an interface. hear makes it
// listen.
func openPacket(index int) (_ int, err error) {
	var opened closer
	defer func() {
		if err != nil {
			opened.closeAll()
		}
	}()
	// Protocol 0 receives nothing until bind names the protocol.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, hint("open a packet socket", err)
	}
	opened.keep(fd)
	if err := attach(fd, nothingFilter()); err != nil {
		return -1, err
	}
	if err := setAll(fd,
		option{unix.SOL_PACKET, unix.PACKET_AUXDATA, 1},
		option{unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1},
	); err != nil {
		return -1, err
	}
	growBuffers(fd)
	all := swap16(unix.ETH_P_ALL)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		return -1, hint("bind a packet socket", err)
	}
	return fd, nil
}

// hear lets DHCP queries into a packet socket.
func hear(fd int) error { return attach(fd, queryFilter()) }

// newGroup asks joinGroup for a group that no process uses.
const newGroup = -1

// joinGroup makes fd share the queries of its interface with the other sockets
// of a group, and returns the group.
func joinGroup(fd, group int) (int, error) {
	kind := unix.PACKET_FANOUT_CBPF | unix.PACKET_FANOUT_FLAG_IGNORE_OUTGOING
	founding := group == newGroup
	if founding {
		kind |= unix.PACKET_FANOUT_FLAG_UNIQUEID // asks for group 0, which is also a valid answer
		group = 0
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT, kind<<16|group); err != nil {
		return 0, hint("share an interface between workers", err)
	}
	if !founding {
		return group, nil
	}
	v, err := unix.GetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	if err != nil {
		return 0, hint("share an interface between workers", err)
	}
	program := fanoutFilter()
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_PACKET, unix.PACKET_FANOUT_DATA, &prog); err != nil {
		return 0, hint("spread clients over workers", err)
	}
	return v & 0xffff, nil
}

type option struct{ level, name, value int }

func setAll(fd int, options ...option) error {
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return fmt.Errorf("set socket option %d of level %d: %w", o.name, o.level, err)
		}
	}
	return nil
}

func attach(fd int, program []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return fmt.Errorf("attach a socket filter: %w", err)
	}
	return nil
}

// growBuffers asks for large buffers, past the system's limit if we may. A
// small buffer loses queries in bursts, which is counted, and is no error.
func growBuffers(fd int) {
	for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[0], socketBuffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[1], socketBuffer)
		}
	}
}

// hint adds what to do about an error.
func hint(doing string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s: needs CAP_NET_RAW, and CAP_NET_BIND_SERVICE for the port: %w", doing, err)
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Errorf("%s: another DHCP server is running (see: ss -lunp sport = 67): %w", doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
