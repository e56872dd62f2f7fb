package leases

// index finds slots by a 32-bit tag of a client's hash: extendible hashing with
// open addressing in each segment. A segment grows and splits alone, so no
// insertion ever moves more than segmentMax entries, however large the table;
// doubling one array of millions would stop packets for a second.
//
// Tags come from a hash with a random seed (see network.seed), so nobody can
// choose client ids that collide. Many clients with ids of their own may share
// one hardware address, by design or malice: sameMax of them are found by it, all
// of them by client id. A lease without client id is always entered.
type index struct {
	dir   []*segment // 1<<depth, by the tag's upper bits
	depth uint8
	size  int // bytes of all segments
}

type segment struct {
	entries []entry // power of two; ref 0 is empty
	used    int
	most    int // entries in use before it grows
	depth   uint8
}

type entry struct{ tag, ref uint32 }

const (
	entryBytes = 8
	segmentMin = 8
	segmentMax = 4096 // entries; 32 KiB, some 20 µs to split
	depthMax   = 20   // upper bits of a tag choose the segment, lower ones the place in it
	sameMax    = 32   // entries with one hardware address
)

func newIndex() index {
	return index{dir: []*segment{newSegment(segmentMin, 0, 0)}, size: segmentMin * entryBytes}
}

// newSegment makes the segment of tags with some upper bits. Hashes fill all
// segments alike; would they split when equally full, all of them would do so in
// the same few ten thousand insertions, and a worker be late for a tenth of a
// second. So they split between half and four fifths full, by their bits.
func newSegment(size int, depth uint8, bits uint32) *segment {
	s := &segment{entries: make([]entry, size), most: size / 4 * 3, depth: depth}
	if size >= segmentMax {
		s.most = size/2 + int((bits<<8|uint32(depth))*2654435769>>16)*(size*3/10)>>16
	}
	return s
}

func (x *index) segment(tag uint32) *segment { return x.dir[prefix(tag, x.depth)] }

// cursor walks the entries with one tag.
type cursor struct {
	seg *segment
	tag uint32
	pos uint32
}

func (x *index) find(tag uint32) cursor { return cursor{x.segment(tag), tag, tag} }

// next returns the next slot, 0 at the end.
func (c *cursor) next() uint32 {
	mask := uint32(len(c.seg.entries) - 1)
	for {
		e := c.seg.entries[c.pos&mask]
		if e.ref == 0 {
			return 0
		}
		c.pos++
		if e.tag == c.tag {
			return e.ref
		}
	}
}

// insert adds a pair. Pairs that are not a must are left out beyond sameMax of
// one tag.
func (x *index) insert(tag, ref uint32, must bool) {
	if !must && x.count(tag) >= sameMax {
		return
	}
	seg := x.segment(tag)
	for seg.used >= seg.most {
		x.grow(seg, tag)
		seg = x.segment(tag)
	}
	seg.add(entry{tag, ref})
}

// count returns the number of entries with a tag, at most sameMax.
func (x *index) count(tag uint32) (n int) {
	for c := x.find(tag); n < sameMax && c.next() != 0; {
		n++
	}
	return n
}

func (s *segment) add(e entry) {
	mask := uint32(len(s.entries) - 1)
	i := e.tag & mask
	for s.entries[i].ref != 0 {
		i = (i + 1) & mask
	}
	s.entries[i] = e
	s.used++
}

// grow makes room in the segment of a tag: twice the size, or two of them.
func (x *index) grow(seg *segment, tag uint32) {
	if len(seg.entries) < segmentMax || seg.depth == depthMax {
		old := seg.entries
		x.size += len(old) * entryBytes
		*seg = *newSegment(2*len(old), seg.depth, prefix(tag, seg.depth))
		for _, e := range old {
			if e.ref != 0 {
				seg.add(e)
			}
		}
		return
	}
	if seg.depth == x.depth {
		x.double()
	}
	x.size += segmentMax * entryBytes
	var half [2]*segment
	for i := range half {
		half[i] = newSegment(segmentMax, seg.depth+1, prefix(tag, seg.depth)<<1|uint32(i))
	}
	for _, e := range seg.entries {
		if e.ref != 0 {
			half[e.tag>>(31-seg.depth)&1].add(e)
		}
	}
	span := uint32(1) << (x.depth - seg.depth)
	first := prefix(tag, seg.depth) * span
	for i := range span {
		x.dir[first+i] = half[i/(span/2)]
	}
}

// prefix returns the upper bits of a tag.
func prefix(tag uint32, bits uint8) uint32 { return tag >> (32 - bits) }

func (x *index) double() {
	dir := make([]*segment, 2*len(x.dir))
	for i, s := range x.dir {
		dir[2*i], dir[2*i+1] = s, s
	}
	x.dir, x.depth = dir, x.depth+1
}

// remove takes a pair out, if there, and closes the gap (backward shift), so
// that searches never step over graves.
func (x *index) remove(tag, ref uint32) {
	s := x.segment(tag)
	mask := uint32(len(s.entries) - 1)
	i := tag & mask
	for ; s.entries[i] != (entry{tag, ref}); i = (i + 1) & mask {
		if s.entries[i].ref == 0 {
			return
		}
	}
	s.used--
	for j := i; ; {
		j = (j + 1) & mask
		e := s.entries[j]
		if e.ref == 0 {
			break
		}
		if (j-e.tag)&mask >= (j-i)&mask { // e may move back to i
			s.entries[i] = e
			i = j
		}
	}
	s.entries[i] = entry{}
}
