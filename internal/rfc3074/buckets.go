package rfc3074

import "math/bits"

// Buckets is a hash bucket assignment (RFC 3074 section 5): bit b of word b/64
// says that bucket b is served. The zero value serves nothing. Its memory
// layout is the one the XDP program reads.
type Buckets [4]uint64

// All serves every bucket.
var All = Buckets{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

// Server returns the share of server i of n as Kea deals it: the buckets b
// with b mod n == i (Kea: query_filter.cc, loadBalance).
func Server(i, n int) Buckets {
	var b Buckets
	for v := i; v < 256; v += n {
		b.Add(uint8(v))
	}
	return b
}

// Has reports whether bucket h is served.
func (b Buckets) Has(h uint8) bool { return b[h>>6]>>(h&63)&1 != 0 }

// Add serves bucket h too.
func (b *Buckets) Add(h uint8) { b[h>>6] |= 1 << (h & 63) }

// Or returns the union of two assignments.
func (b Buckets) Or(o Buckets) Buckets {
	for i := range b {
		b[i] |= o[i]
	}
	return b
}

// Count returns how many of the 256 buckets are served.
func (b Buckets) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}
