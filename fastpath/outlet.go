package fastpath

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"needletail/bpf"
)

const (
	repliesOfRing = int(bpf.DhcpLiveLIVE_REPLIES)
	liveLen       = int(bpf.DhcpLiveLIVE_LEN)

	replySize = int(unsafe.Sizeof(bpf.DhcpReply{}))
	replyHead = int(unsafe.Offsetof(bpf.DhcpReply{}.Frame))
	ringSize  = int(unsafe.Sizeof(bpf.DhcpReplyRing{}))

	// bulkMin is how many replies make a run worth what beginning it costs,
	// about as much as ten frames through AF_XDP's copy mode.
	bulkMin = 16
)

// outlet is a queue's way out by live frames: replies wait in a ring that is
// shared with the program, and one system call makes and sends a frame for
// each. The goroutine of its leg owns it.
type outlet struct {
	able    *atomic.Bool // the interface sends such frames; its side's
	program *ebpf.Program
	run     *liveRun
	pages   []byte // mapped: the replies
	rings   []byte // mapped: the rings of all queues
	ring    *bpf.DhcpReplyRing
	tail    uint32 // replies written
	sent    uint32 // replies sent or given up
}

func newOutlet(l *loaded, queue int, able *atomic.Bool) (_ *outlet, err error) {
	o := &outlet{able: able}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	if o.program, err = l.program.Clone(); err != nil {
		return nil, err
	}
	o.run = newLiveRun(o.program, queue)
	size := repliesOfRing * replySize
	if o.pages, err = unix.Mmap(l.replies.FD(), int64(queue*size), size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("map the replies: %w", err)
	}
	if o.rings, err = unix.Mmap(l.rings.FD(), 0, (queue+1)*ringSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("map the ring of replies: %w", err)
	}
	o.ring = (*bpf.DhcpReplyRing)(unsafe.Pointer(&o.rings[queue*ringSize]))
	o.tail, o.sent = o.ring.Tail, o.ring.Tail
	return o, nil
}

// ready tells whether frames would leave.
func (o *outlet) ready() bool { return o != nil && o.able.Load() }

// queue copies a frame into the ring, to be sent by flush. False: it is longer
// or shorter than the ring takes, or there is no room.
func (o *outlet) queue(b []byte) bool {
	if len(b) < liveLen || len(b) > replySize-replyHead || o.tail-o.sent == uint32(repliesOfRing) {
		return false
	}
	slot := o.pages[int(o.tail)%repliesOfRing*replySize:][:replySize]
	binary.NativeEndian.PutUint32(slot, uint32(len(b)))
	copy(slot[replyHead:], b)
	o.tail++
	return true
}

// flush sends what is queued and returns how much the kernel did not take.
func (o *outlet) flush() (refused int) {
	if o.tail == o.sent {
		return 0
	}
	o.ring.Tail = o.tail
	err := o.run.frames(o.tail - o.sent)
	for errors.Is(err, unix.EINTR) && o.tail != o.ring.Head { // each run sends some
		err = o.run.frames(o.tail - o.ring.Head)
	}
	if err != nil {
		refused = int(o.tail - o.ring.Head)
		o.ring.Head = o.tail
	}
	o.sent = o.tail
	return refused
}

func (o *outlet) close() {
	if o == nil {
		return
	}
	for _, m := range [][]byte{o.pages, o.rings} {
		if m != nil {
			_ = unix.Munmap(m) // the mapping is ours and whole
		}
	}
	if o.program != nil {
		o.program.Close()
	}
}
