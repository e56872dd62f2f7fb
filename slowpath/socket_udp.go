package slowpath

import (
	"cmp"
	"fmt"

	"golang.org/x/sys/unix"
)

// openUDP opens a UDP socket on the server port of one interface, or of none in
// particular if ifname is empty. With deaf set it holds the port, so that the
// kernel sends no port unreachable for queries that a packet socket answers, and
// receives nothing.
func openUDP(ifname string, port uint16, deaf bool) (_ int, err error) {
	var opened closer
	defer func() {
		if err != nil {
			opened.closeAll()
		}
	}()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, hint("open a UDP socket", err)
	}
	opened.keep(fd)
	if deaf {
		if err := attach(fd, nothingFilter()); err != nil {
			return -1, err
		}
	}
	if err := setAll(fd,
		option{unix.SOL_SOCKET, unix.SO_BROADCAST, 1},
		option{unix.IPPROTO_IP, unix.IP_PKTINFO, 1},
		// Leave fragmenting to routers, as the frames of the raw port do.
		option{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT},
	); err != nil {
		return -1, err
	}
	growBuffers(fd)
	if err := bindServerPort(fd, ifname, port); err != nil {
		return -1, err
	}
	return fd, nil
}

// bindServerPort binds a UDP socket. The address may be reused only between the
// socket without an interface and the others, so that a second server is still
// noticed: it would need one of the others.
func bindServerPort(fd int, ifname string, port uint16) error {
	reuse := option{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}
	if err := setAll(fd, reuse); err != nil {
		return err
	}
	if ifname != "" {
		if err := unix.BindToDevice(fd, ifname); err != nil {
			return hint("bind a UDP socket to "+ifname, err)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(port)}); err != nil {
		return hint(fmt.Sprintf("bind UDP port %d on %s", port, cmp.Or(ifname, "any interface")), err)
	}
	if ifname != "" {
		reuse.value = 0
		return setAll(fd, reuse)
	}
	return nil
}
