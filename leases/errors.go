package leases

import "errors"

// Errors that callers branch on.
var (
	// ErrNoSubnet: no configured subnet has this id.
	ErrNoSubnet = errors.New("no such subnet")
	// ErrNotInSubnet: the address lies outside the subnet it is said to be in.
	ErrNotInSubnet = errors.New("address is not in the subnet")
	// ErrTaken: someone else holds the address.
	ErrTaken = errors.New("address belongs to another client")
	// ErrTooLong: hostname, client id, hardware address or user context is too
	// long to be stored.
	ErrTooLong = errors.New("lease data too long")
	// ErrNoSpace: the disk has less free space than the reserve.
	ErrNoSpace = errors.New("too little free disk space for lease changes")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("lease store is closed")
	// ErrInUse: another process has the store open.
	ErrInUse = errors.New("lease store is in use")
	// ErrNewer: a later version of this program wrote the store.
	ErrNewer = errors.New("written by a newer version")
	// ErrCorrupt: something stored cannot be decoded.
	ErrCorrupt = errors.New("corrupt lease data")
)

// Misplaced tells whether an error is about a subnet that a lease does not fit: its
// sender's configuration is another (lease commands answer 4).
func Misplaced(err error) bool {
	return errors.Is(err, ErrNoSubnet) || errors.Is(err, ErrNotInSubnet)
}
