package leases

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"needletail/internal/clock"
)

// Durability is what a finished commit promises.
type Durability uint8

// Durabilities, strongest first.
const (
	// Sync: the changes are on the disk (fdatasync); they survive power loss.
	Sync Durability = iota
	// OS: the changes are in the kernel's page cache; they survive the death
	// of the process, not of the machine. This is what Kea's memfile promises.
	OS
	// None: nothing is awaited; the changes of the last moments may be lost.
	None
)

// String returns the word used in configuration.
func (d Durability) String() string {
	switch d {
	case Sync:
		return "sync"
	case OS:
		return "os"
	case None:
		return "none"
	}
	return fmt.Sprintf("durability(%d)", uint8(d))
}

// ParseDurability reads the word used in configuration.
func ParseDurability(s string) (Durability, error) {
	for d := Sync; d <= None; d++ {
		if d.String() == s {
			return d, nil
		}
	}
	return Sync, fmt.Errorf("durability %q: want sync, os or none", s)
}

// Options of a Store. The zero value is a store in memory only.
type Options struct {
	Dir          string       // folder of the lease database; "" keeps leases in memory only
	Durability   Durability   // ignored without Dir
	MustExist    bool         // refuse to make a new database in Dir
	Clock        clock.Clock  // nil: wall clock
	Log          *slog.Logger // nil: slog.Default()
	InFlightMax  int          // batches queued for the committer before Submit blocks; 0: 256
	ReserveBytes int64        // free bytes the disk must have before a commit; 0: 192 MiB
}

// Times are how long leases stay in the states between active and forgotten.
type Times struct {
	Offer    time.Duration // an offer holds its address; 0: 60 s
	Affinity time.Duration // an expired or released lease is kept for its former client; 0: forgotten at once (Kea: hold-reclaimed-time)
	// Tombstone is how long a deletion is remembered for a partner that was
	// away; 0: 24 h.
	Tombstone time.Duration
}

// Network is a shared network, or a subnet that stands alone. One lock guards it.
type Network struct{ Subnets []Subnet }

// Subnet is one subnet of a network, IPv4 only.
type Subnet struct {
	ID     uint32
	Prefix netip.Prefix
	Pools  []Pool
}

// Pool is a range of addresses, both ends included.
type Pool struct {
	ID          uint32
	First, Last netip.Addr
}

// PoolMask is a set of pools, by index in the subnet; nil is every pool.
type PoolMask []uint64

// Has tells whether pool i is in the set.
func (m PoolMask) Has(i int) bool {
	return m == nil || i>>6 < len(m) && m[i>>6]&(1<<(i&63)) != 0
}

// Add puts pool i, which must be below 64 times its length, in the set.
func (m PoolMask) Add(i int) { m[i>>6] |= 1 << (i & 63) }

// Clear empties the set.
func (m PoolMask) Clear() { clear(m) }
