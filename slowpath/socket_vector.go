package slowpath

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// vector is the argument of recvmmsg(2) and sendmmsg(2) for up to a fixed number
// of datagrams, made once and used again. The kernel writes into it, so what it
// changes is set anew by each put.
type vector struct {
	heads    []unix.Mmsghdr
	iovs     []unix.Iovec
	names    []unix.RawSockaddrInet4
	controls []control
}

// control holds one control message of either kind, aligned as cmsg(3) asks.
type control struct {
	head unix.Cmsghdr
	data [24]byte // tpacket_auxdata (20 bytes) or in_pktinfo (12)
}

// What a vector carries besides data.
type extras uint8

const (
	withNames extras = 1 << iota
	withControls
)

func newVector(n int, with extras) *vector {
	v := &vector{heads: make([]unix.Mmsghdr, n), iovs: make([]unix.Iovec, n)}
	if with&withNames != 0 {
		v.names = make([]unix.RawSockaddrInet4, n)
	}
	if with&withControls != 0 {
		v.controls = make([]control, n)
	}
	for i := range v.heads {
		h := &v.heads[i].Hdr
		h.Iov = &v.iovs[i]
		h.SetIovlen(1)
		if v.names != nil {
			h.Name = (*byte)(unsafe.Pointer(&v.names[i]))
		}
		if v.controls != nil {
			h.Control = (*byte)(unsafe.Pointer(&v.controls[i]))
		}
	}
	return v
}

// put points datagram i at b, which is not empty.
func (v *vector) put(i int, b []byte) {
	v.iovs[i].Base = &b[0]
	v.iovs[i].SetLen(len(b))
	h := &v.heads[i].Hdr
	if v.names != nil {
		h.Namelen = unix.SizeofSockaddrInet4
	}
	if v.controls != nil {
		h.SetControllen(int(unsafe.Sizeof(control{})))
	}
}

// receive takes up to n datagrams without blocking.
func (v *vector) receive(fd, n int) (int, unix.Errno) {
	got, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&v.heads[0])), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(got), 0
}

// send sends datagrams from to n-1 without blocking and returns how many the
// kernel took before the first it did not.
func (v *vector) send(fd, from, n int) (int, unix.Errno) {
	sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&v.heads[from])), uintptr(n-from), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(sent), 0
}

func (v *vector) length(i int) int { return int(v.heads[i].Len) }

// truncated: the datagram was longer than its buffer.
func (v *vector) truncated(i int) bool { return v.heads[i].Hdr.Flags&unix.MSG_TRUNC != 0 }

// auxdata returns what an AF_PACKET socket tells about received frame i.
func (v *vector) auxdata(i int) (unix.TpacketAuxdata, bool) {
	c := &v.controls[i]
	if !v.has(i, unix.SOL_PACKET, unix.PACKET_AUXDATA, int(unsafe.Sizeof(unix.TpacketAuxdata{}))) {
		return unix.TpacketAuxdata{}, false
	}
	return *(*unix.TpacketAuxdata)(unsafe.Pointer(&c.data)), true
}

// pktinfo returns which interface and address received datagram i came to.
func (v *vector) pktinfo(i int) (unix.Inet4Pktinfo, bool) {
	c := &v.controls[i]
	if !v.has(i, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo) {
		return unix.Inet4Pktinfo{}, false
	}
	return *(*unix.Inet4Pktinfo)(unsafe.Pointer(&c.data)), true
}

func (v *vector) has(i int, level, kind int32, size int) bool {
	c := &v.controls[i]
	return int(v.heads[i].Hdr.Controllen) >= unix.CmsgLen(size) && c.head.Level == level && c.head.Type == kind
}

// from returns the sender of received datagram i.
func (v *vector) from(i int) (frame.IP, uint16) {
	return v.names[i].Addr, swap16(v.names[i].Port)
}

// address tells where datagram i goes, from which address and by which
// interface.
func (v *vector) address(i int, to *frame.Destination, dst frame.IP) {
	v.names[i] = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: swap16(to.DstPort), Addr: dst}
	c := &v.controls[i]
	c.head.Level, c.head.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	c.head.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	*(*unix.Inet4Pktinfo)(unsafe.Pointer(&c.data)) = unix.Inet4Pktinfo{Ifindex: int32(to.IfIndex), Spec_dst: to.Src}
	v.heads[i].Hdr.SetControllen(unix.CmsgSpace(unix.SizeofInet4Pktinfo))
}

// swap16 converts between host and network order, on either kind of host.
func swap16(v uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&v))
	return uint16(b[0])<<8 | uint16(b[1])
}
