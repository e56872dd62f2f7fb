package leases

// arena keeps what does not fit a slot (long identifiers, hostnames, user
// contexts) in slabs without pointers: size classes from 32 bytes to 64 KiB,
// one stack of freed blocks per class. Slabs are never given back.
type arena struct {
	slabs [arenaClasses][][]byte
	next  [arenaClasses]uint32   // blocks handed out so far
	freed [arenaClasses][]uint32 // block numbers
	used  int                    // bytes of live blocks
}

const (
	arenaMin     = 32
	arenaClasses = 12
	arenaMax     = arenaMin << (arenaClasses - 1)
	slabBytes    = 64 << 10
	blockBits    = 27 // of a reference; the class lies above, plus one
)

// alloc returns a block of at least size bytes and its reference, never 0.
func (a *arena) alloc(size int) (uint32, []byte) {
	class := 0
	for arenaMin<<class < size {
		class++
	}
	var block uint32
	if f := a.freed[class]; len(f) > 0 {
		block = f[len(f)-1]
		a.freed[class] = f[:len(f)-1]
	} else {
		block = a.next[class]
		a.next[class]++
		if int(block)/perSlab(class) == len(a.slabs[class]) {
			a.slabs[class] = append(a.slabs[class], make([]byte, perSlab(class)*(arenaMin<<class)))
		}
	}
	a.used += arenaMin << class
	ref := uint32(class+1)<<blockBits | block
	return ref, a.get(ref)
}

func perSlab(class int) int { return max(1, slabBytes/(arenaMin<<class)) }

// get returns the block of a reference.
func (a *arena) get(ref uint32) []byte {
	class, block := int(ref>>blockBits)-1, int(ref&(1<<blockBits-1))
	size, per := arenaMin<<class, perSlab(class)
	at := block % per * size
	return a.slabs[class][block/per][at : at+size : at+size]
}

func (a *arena) free(ref uint32) {
	class := int(ref>>blockBits) - 1
	a.freed[class] = append(a.freed[class], ref&(1<<blockBits-1))
	a.used -= arenaMin << class
}

// bytes is the memory the arena takes.
func (a *arena) bytes() int {
	n := 0
	for class := range a.slabs {
		n += len(a.slabs[class])*perSlab(class)*(arenaMin<<class) + 4*cap(a.freed[class])
	}
	return n
}
