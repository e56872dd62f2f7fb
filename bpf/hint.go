package bpf

import (
	"encoding/binary"
	"unsafe" // for offsets of struct hint, nothing else
)

// HintLen is the size of the metadata in front of a redirected frame, in bytes.
const HintLen = int(unsafe.Sizeof(DhcpHint{}))

// Hint is what the program found in a query, at the end of the bytes before
// its frame. It allocates nothing.
type Hint []byte

// HintBefore returns the hint at the end of before, nil if there is none.
func HintBefore(before []byte) Hint {
	if len(before) < HintLen {
		return nil
	}
	h := Hint(before[len(before)-HintLen:])
	if binary.NativeEndian.Uint32(h[unsafe.Offsetof(DhcpHint{}.Magic):]) != uint32(DhcpMagicMAGIC_HINT) {
		return nil
	}
	return h
}

// Type is the DHCP message type (option 53).
func (h Hint) Type() uint8 { return h[unsafe.Offsetof(DhcpHint{}.Type)] }

// Bucket is the RFC 3074 hash; 0 where the scope's mode does not hash.
func (h Hint) Bucket() uint8 { return h[unsafe.Offsetof(DhcpHint{}.Bucket)] }

// Relationship is the index of the relationship that serves the query.
func (h Hint) Relationship() uint8 { return h[unsafe.Offsetof(DhcpHint{}.Relationship)] }

// Wipe makes the hint unreadable: a later frame in its place may come without.
func (h Hint) Wipe() { clear(h[unsafe.Offsetof(DhcpHint{}.Magic):][:4]) }
