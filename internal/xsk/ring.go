package xsk

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A ring is one single-producer single-consumer ring shared with the kernel.
// Our own end's index is cached; the other end's is read when the cached view
// of it runs out.
type ring[T any] struct {
	producer, consumer, flags *uint32
	items                     []T
	mask                      uint32
	mem                       []byte

	prod, cons uint32 // cached views
}

// mapRing maps a ring of size entries of the socket.
func mapRing[T any](fd int, pgoff int64, size uint32, off unix.XDPRingOffset) (ring[T], error) {
	var item T
	n := int(off.Desc) + int(size)*int(unsafe.Sizeof(item))
	mem, err := unix.Mmap(fd, pgoff, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return ring[T]{}, err
	}
	at := func(o uint64) *uint32 { return (*uint32)(unsafe.Pointer(&mem[o])) }
	return ring[T]{
		producer: at(off.Producer), consumer: at(off.Consumer), flags: at(off.Flags),
		items: unsafe.Slice((*T)(unsafe.Pointer(&mem[off.Desc])), size),
		mask:  size - 1, mem: mem,
	}, nil
}

func (r *ring[T]) unmap() {
	if r.mem != nil {
		_ = unix.Munmap(r.mem) // the mapping is ours and whole
		r.mem = nil
	}
}

// put queues as many of src as there is room for, and shows them to the
// kernel at once.
func (r *ring[T]) put(src []T) int {
	size := uint32(len(r.items))
	if size-(r.prod-r.cons) < uint32(len(src)) {
		r.cons = atomic.LoadUint32(r.consumer)
	}
	n := min(uint32(len(src)), size-(r.prod-r.cons))
	for i := range n {
		r.items[(r.prod+i)&r.mask] = src[i]
	}
	r.prod += n
	atomic.StoreUint32(r.producer, r.prod)
	return int(n)
}

// take moves what the kernel has queued into dst.
func (r *ring[T]) take(dst []T) int {
	if r.prod-r.cons < uint32(len(dst)) {
		r.prod = atomic.LoadUint32(r.producer)
	}
	n := min(uint32(len(dst)), r.prod-r.cons)
	for i := range n {
		dst[i] = r.items[(r.cons+i)&r.mask]
	}
	r.cons += n
	atomic.StoreUint32(r.consumer, r.cons)
	return int(n)
}

// wakeup tells whether the kernel asks to be told about new entries.
func (r *ring[T]) wakeup() bool {
	return atomic.LoadUint32(r.flags)&unix.XDP_RING_NEED_WAKEUP != 0
}

// pending tells whether the kernel has yet to take what was put.
func (r *ring[T]) pending() bool { return atomic.LoadUint32(r.consumer) != r.prod }
