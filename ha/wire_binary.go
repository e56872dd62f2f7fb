package ha

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"needletail/leases"
)

// binaryVersion opens a message of lease changes between two needletails. They travel
// in binary: attached to a command, or in base64 in the JSON of an answer. Behind the
// version lie entries, one after the other.
//
//	put:    op=1, the lease as leases.AppendBinary writes it
//	delete: op=2, address (4 bytes), time (varint, unix s)
const binaryVersion = 1

type op uint8

const (
	opPut    op = 1
	opDelete op = 2
)

// entry is one lease change on its way between two needletails. A deletion
// carries only the address and the time it happened.
type entry struct {
	Op    op
	Lease leases.Lease
	At    time.Time // of a deletion, whole seconds
}

// appendPut encodes a lease that is, or was, in a store: it always fits.
func appendPut(b []byte, l *leases.Lease) []byte {
	b, err := leases.AppendBinary(append(b, byte(opPut)), l)
	if err != nil {
		panic("ha: encode a stored lease: " + err.Error())
	}
	return b
}

func appendDelete(b []byte, addr netip.Addr, at time.Time) []byte {
	a := addr.As4()
	b = append(append(b, byte(opDelete)), a[:]...)
	return binary.AppendUvarint(b, uint64(at.Unix()))
}

var errShort = errors.New("message of lease changes ends within an entry")

// decodeEntries calls each for every entry of a message. The entry's byte
// slices alias b. It stops at the first error, of the message or of each.
func decodeEntries(b []byte, each func(*entry) error) error {
	if len(b) == 0 || b[0] != binaryVersion {
		return errors.New("message of lease changes has an unknown version: both servers must run versions that agree")
	}
	r := reader{b: b[1:]}
	var e entry
	for n := 0; len(r.b) > 0; n++ {
		if err := r.entry(&e); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		if err := each(&e); err != nil {
			return err
		}
	}
	return nil
}

// reader takes entries off the front of b.
type reader struct{ b []byte }

func (r *reader) entry(e *entry) (err error) {
	*e = entry{Op: op(r.b[0])}
	r.b = r.b[1:]
	switch e.Op {
	case opPut:
		e.Lease, r.b, err = leases.ParseBinary(r.b)
		return err
	case opDelete:
		return r.deletion(e)
	}
	return fmt.Errorf("unknown operation %d", e.Op)
}

func (r *reader) deletion(e *entry) error {
	if len(r.b) < 4 {
		return errShort
	}
	e.Lease.Addr = netip.AddrFrom4([4]byte(r.b))
	at, n := binary.Uvarint(r.b[4:])
	if n <= 0 {
		return errShort
	}
	e.At, r.b = time.Unix(int64(at), 0), r.b[4+n:]
	return nil
}
