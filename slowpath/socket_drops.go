package slowpath

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// packetDrops returns how many frames the kernel dropped because an AF_PACKET
// socket was full, since the last call: reading sets the counter to zero.
func packetDrops(fd int) uint64 {
	st, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return uint64(st.Drops)
}

// udpDrops returns the same for a UDP socket since it was opened, modulo 2^32.
func udpDrops(fd int) uint32 {
	const drops = 8 // SK_MEMINFO_DROPS
	var info [9]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return info[drops]
}
