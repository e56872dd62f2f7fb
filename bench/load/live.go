package load

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Sizes of wire.bpf.c and of its ring.
const (
	liveSlots = 4096
	liveSlot  = 512
	liveLen   = 4 // bytes before a slot's frame
	liveHead  = 4 // offsets in the ring
	liveTail  = 8

	// liveBatch is how many frames the kernel makes before it hands them over:
	// as many as it takes by itself.
	liveBatch = 64
)

// Live is an XDP whose queries become frames in the kernel: one system call
// makes and sends all that wait, without a socket buffer for each. It takes a
// fifth of the time that AF_XDP's copy mode takes, which on a veth pair has no
// other. It is not safe for concurrent use.
//
// While the interface does not take such frames (netif.XDPFeatures) they are lost.
type Live struct {
	*XDP
	slots []byte // mapped: the frames that wait
	ring  []byte // mapped: struct ring
	tail  uint32
	sent  uint32 // tail up to which frames have been sent
	blank []byte // what a frame is before the program fills it
}

// revive gives an XDP of one queue another way to send. The Live owns it; also
// after an error the XDP is closed.
func revive(x *XDP) (_ *Live, err error) {
	l := &Live{XDP: x, blank: make([]byte, liveSlot-liveLen)}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	if err = x.objects.Out.Put(uint32(0), uint32(x.ifindex)); err != nil {
		return nil, fmt.Errorf("enter the interface: %w", err)
	}
	if l.slots, err = mapShared(x.objects.Slots, liveSlots*liveSlot); err != nil {
		return nil, err
	}
	l.ring, err = mapShared(x.objects.Shared, unix.Getpagesize())
	return l, err
}

func mapShared(m *ebpf.Map, size int) ([]byte, error) {
	b, err := unix.Mmap(m.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the generator's frames: %w", err)
	}
	return b, nil
}

// Mode implements Port.
func (l *Live) Mode() string { return l.XDP.Mode() + ", live frames" }

// Buffer implements Link.
func (l *Live) Buffer() []byte {
	if l.tail-l.sent == liveSlots && l.Flush() != nil {
		return nil
	}
	return l.slot()[liveLen:]
}

func (l *Live) slot() []byte {
	at := int(l.tail%liveSlots) * liveSlot
	return l.slots[at : at+liveSlot : at+liveSlot]
}

// Commit implements Link.
func (l *Live) Commit(n int) {
	binary.NativeEndian.PutUint32(l.slot(), uint32(n))
	l.tail++
}

// Flush implements Link.
func (l *Live) Flush() error {
	if l.tail == l.sent {
		return nil
	}
	binary.NativeEndian.PutUint32(l.ring[liveTail:], l.tail)
	_, err := l.objects.WirePrograms.Wire.Run(&ebpf.RunOptions{
		Data: l.blank, Repeat: l.tail - l.sent, Flags: unix.BPF_F_TEST_XDP_LIVE_FRAMES, BatchSize: liveBatch})
	if err != nil {
		return fmt.Errorf("send live frames: %w", err)
	}
	l.sent = l.tail
	return nil
}

// Close detaches the program and frees everything.
func (l *Live) Close() error {
	for _, m := range [][]byte{l.slots, l.ring} {
		if m != nil {
			_ = unix.Munmap(m) // the mapping is ours and whole
		}
	}
	return l.XDP.Close()
}
