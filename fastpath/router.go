package fastpath

import (
	"fmt"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// packetHeaders are the bytes of IPv4 and UDP before a message.
const packetHeaders = 28

// router sends packets with headers of ours through the kernel's routing and
// neighbour resolution. Such a socket takes no port and receives nothing. Any
// goroutine may use it.
type router struct{ fd int }

func openRouter() (*router, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW)
	if err != nil {
		return nil, fmt.Errorf("open a raw socket for routed replies (CAP_NET_RAW is needed): %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("allow broadcasts: %w", err)
	}
	return &router{fd}, nil
}

func (o *router) send(r *frame.Reply) error {
	frame.Write(r, [6]byte{})
	packet := r.Buf[frame.Headroom-packetHeaders : frame.Headroom+r.Len]
	var by []byte
	if r.To.IfIndex != 0 {
		by = unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: int32(r.To.IfIndex)})
	}
	return unix.Sendmsg(o.fd, packet, by, &unix.SockaddrInet4{Addr: r.To.Dst}, 0)
}

func (o *router) Close() error { return unix.Close(o.fd) }
