package slowpath

import "needletail/internal/frame"

// slotSize is the space for one received frame or datagram, in bytes: an
// Ethernet frame of 1500 bytes with tags fits; longer ones are truncated by the
// kernel and refused. DHCP messages are no longer unless a client says so.
const slotSize = 2048

// slots is the memory of a port for what it receives. Owned by its worker.
type slots struct {
	memory []byte
	free   []uint32
}

func newSlots(n int) *slots {
	s := &slots{memory: make([]byte, n*slotSize), free: make([]uint32, n)}
	for i := range s.free {
		s.free[i] = uint32(i)
	}
	return s
}

func (s *slots) at(i uint32) []byte {
	from := int(i) * slotSize
	return s.memory[from : from+slotSize : from+slotSize]
}

// give returns a slot.
func (s *slots) give(i uint32) { s.free = append(s.free, i) }

// buffers is the memory of a port for replies. Owned by its worker.
type buffers struct {
	memory []byte
	free   []uint32
}

const bufferSize = frame.Headroom + frame.MessageMax

func newBuffers(n int) *buffers {
	b := &buffers{memory: make([]byte, n*bufferSize), free: make([]uint32, n)}
	for i := range b.free {
		b.free[i] = uint32(i)
	}
	return b
}

// lend gives r a buffer; false if there is none.
func (b *buffers) lend(r *frame.Reply) bool {
	if len(b.free) == 0 {
		return false
	}
	i := b.free[len(b.free)-1]
	b.free = b.free[:len(b.free)-1]
	from := int(i) * bufferSize
	r.Buf = b.memory[from : from+bufferSize : from+bufferSize]
	r.Token, r.Len = uint64(i), 0
	return true
}

func (b *buffers) take(r *frame.Reply) {
	b.free = append(b.free, uint32(r.Token))
	r.Buf = nil
}
