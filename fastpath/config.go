package fastpath

import (
	"fmt"
	"log/slog"
	"slices"
)

// How the program is attached.
const (
	Auto    = "auto"    // native where the driver has it, else not at all
	Native  = "native"  // in the driver, or an error
	Generic = "generic" // after the kernel has made a socket buffer: works everywhere, gains little
	Off     = "off"
)

// How served queries reach user space.
const (
	On       = "on"        // AF_XDP; the kernel copies
	ZeroCopy = "zero-copy" // AF_XDP without a copy where the driver can, else with
	// Off: by the kernel's sockets
)

// How replies leave.
const (
	Ring = "ring" // by the AF_XDP socket
	Live = "live" // many at once as live frames, where the interface sends them; else by the ring
)

// Config says how a Path is to work. Empty strings are the defaults.
type Config struct {
	XDP   string // Auto (default), Native, Generic, Off
	AFXDP string // On (default), ZeroCopy, Off
	Send  string // Ring (default), Live

	// Queues are the receive queues with an AF_XDP socket; nil: all. Queries on
	// other queues go to the kernel's sockets.
	Queues []int
	// Workers are the ports to make; 0: one for each queue of the interface
	// that has most. Queues are dealt to workers in turn.
	Workers int
	// CPUs are the processors of the workers, in turn; nil: no pinning.
	CPUs []int

	// Queries are the UMEM frames for queries of each queue, of 2 KiB; 0: an
	// interface's queues share queriesShared, with queriesMin or more each. Replies
	// have as many more, up to repliesMax.
	Queries int
	Replies int // reply buffers of each port, 0: 8192; 1.5 KiB each

	// Relationships are the HA relationships, 1 to 64; 0: 1, also without HA.
	Relationships int
	// OnUnacked is called when the unacked clients of a relationship first
	// exceed its limit in an epoch. It must not block. It may be nil.
	OnUnacked func(relationship int)

	Log *slog.Logger // nil: none
}

// Frames of a queue, 2 KiB of locked memory each. Those for queries hold what
// arrives while a worker is kept from its work or has more than it can do: a fifth
// of a second at 60,000 DORA a second, and 75 ms of the 330,000 queries that one queue
// brings at most. Replies wait for the driver only; more that leave at once do so in
// portions.
const (
	queriesShared = 24576
	queriesMin    = 4096
	repliesMax    = 2048
)

// frames returns how many frames each of an interface's queues gets for queries
// and for replies.
func (c Config) frames(queues int) (queries, replies int) {
	queries = c.Queries
	if queries == 0 {
		queries = max(queriesShared/queues, queriesMin)
	}
	return queries, min(queries, repliesMax)
}

// normal fills in defaults and checks.
func (c Config) normal() (Config, error) {
	c.XDP = either(c.XDP, Auto)
	c.AFXDP = either(c.AFXDP, On)
	c.Send = either(c.Send, Ring)
	c.Replies = either(c.Replies, 8192)
	c.Relationships = either(c.Relationships, 1)
	c.Log = either(c.Log, slog.New(slog.DiscardHandler))
	switch {
	case !slices.Contains([]string{Auto, Native, Generic, Off}, c.XDP):
		return c, fmt.Errorf("fast-path: xdp is %q, want auto, native, generic or off", c.XDP)
	case !slices.Contains([]string{On, ZeroCopy, Off}, c.AFXDP):
		return c, fmt.Errorf("fast-path: af-xdp is %q, want on, off or zero-copy", c.AFXDP)
	case !slices.Contains([]string{Ring, Live}, c.Send):
		return c, fmt.Errorf("fast-path: send is %q, want ring or live", c.Send)
	case c.Relationships < 0 || c.Relationships > relationshipsMax:
		return c, fmt.Errorf("fast-path: %d relationships, at most %d are possible", c.Relationships, relationshipsMax)
	case c.Queries < 0:
		return c, fmt.Errorf("fast-path: %d queries in a UMEM", c.Queries)
	}
	return c, nil
}

func either[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
