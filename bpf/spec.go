package bpf

import (
	"fmt"

	"github.com/cilium/ebpf"

	"needletail/internal/rfc3074"
)

// Spec returns the program as it is to be loaded: with the tables that it hashes
// by, which LoadDhcp leaves empty. Errors: an object file that is not the program's.
func Spec() (*ebpf.CollectionSpec, error) {
	spec, err := LoadDhcp()
	if err != nil {
		return nil, fmt.Errorf("read the XDP program: %w", err)
	}
	if err := spec.Variables["mixing"].Set(rfc3074.Table); err != nil {
		return nil, fmt.Errorf("fill in the mixing table: %w", err)
	}
	if err := spec.Variables["mixing_pairs"].Set(pairs()); err != nil {
		return nil, fmt.Errorf("fill in the mixing table of pairs: %w", err)
	}
	return spec, nil
}

// pairs returns the table of two steps of the hash in one (hash.h, mixing_pairs).
func pairs() *[256 * 256]uint8 {
	var both [256 * 256]uint8
	for at := range both {
		k, v := at>>8, at&0xff
		both[at] = rfc3074.Table[rfc3074.Table[v]^uint8(k)]
	}
	return &both
}
