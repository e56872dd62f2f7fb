package slowpath

import (
	"time"

	"needletail/internal/frame"
)

// Port is where queries come from and replies go: kernel sockets (OpenRaw,
// OpenUDP) or AF_XDP (package fastpath). One worker owns a port and is the
// only caller, on one goroutine, of everything but Wake.
//
// Neither queries nor replies are copied or allocated on the way: both lie in
// memory of the port, which bounds how many of each there can be.
type Port interface {
	// Receive fills qs with what has arrived and returns how many. If nothing
	// has, it blocks until something does, Wake is called, or wait has passed
	// (rounded up to what the kernel can wait for; at most 0 means do not
	// block), and may then return 0. It never waits for qs to fill. With an
	// empty qs it only waits. It returns fewer than len(qs) only when nothing
	// more had arrived, or all its memory is out. Frames that are no DHCP
	// queries are counted by the port and not returned. An error means the
	// port is of no more use.
	//
	// The bytes of each query stay valid and unchanged until Done.
	Receive(qs []frame.Query, wait time.Duration) (int, error)

	// Done gives queries back, in any order and grouping. Every received query
	// must come back exactly once; a port with all its memory outside receives
	// nothing.
	Done(qs []frame.Query)

	// HeldMax is how many received queries may wait without the port lacking
	// memory for what comes, at least 1. It changes as interfaces come and go.
	HeldMax() int

	// Buffer lends r a buffer for one reply. It returns false if all are out,
	// which the port counts. The buffer comes back by Send or Drop.
	Buffer(r *frame.Reply) bool

	// Send writes the headers r.To asks for and sends every reply, on the
	// interface r.To names. It does not block: a reply that the kernel does not
	// take is counted and gone, which DHCP clients repair by asking again.
	// The buffers go back to the port.
	Send(rs []frame.Reply)

	// Drop gives the buffer of an unsent reply back.
	Drop(r *frame.Reply)

	// Wake ends the current Receive early, or the next one. Any goroutine may
	// call it, also after Close; many calls may count as one.
	Wake()

	// Close gives everything back. Queries and buffers still out become invalid.
	Close() error
}
