package leases

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"needletail/internal/clock"
)

// Store is all leases of the server: in memory for use, on disk for good.
type Store struct {
	o   Options
	seq atomic.Uint64 // latest change number

	layout atomic.Pointer[layout] // replaced whole by Configure

	// admin is held by Configure and SetTimes alone, and shared by everyone else
	// but Begin, whose caller sees to it (see Configure): nobody may change a
	// table that is being replaced. Taken before a network's lock.
	admin   sync.RWMutex
	homing  sync.Mutex // see put; taken between admin and a network's lock
	times   Times
	orphans map[place]orphan // leases of addresses that no subnet has
	checks  LeaseChecks
	unread  bool // the database has not been streamed in yet

	identity [16]byte // fixed after the first Configure

	graves graves
	disk   *committer // nil: memory only
	stats  counters
}

// layout is what Configure made of the networks.
type layout struct {
	nets     []*network
	byPrefix map[netip.Prefix][]*subnetPlace
	lengths  uint64 // bit n: there are prefixes of n bits
	bySubnet map[uint32]*subnetPlace
}

type subnetPlace struct {
	net *network
	sub *subnet
}

// place is an address in a subnet.
type place struct{ subnet, addr uint32 }

// orphan is an encoded lease without a subnet to live in.
type orphan struct {
	value   string
	promise uint32 // see record
	durable bool
}

// Defaults of Options and Times.
const (
	inFlightDefault  = 256       // batches
	reserveDefault   = 192 << 20 // bytes: two flushes, a compaction, and what others write meanwhile
	offerDefault     = 60 * time.Second
	tombstoneDefault = 24 * time.Hour
)

// Open opens the lease database and starts the committer. The first Configure
// streams the leases into memory.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := newStore(o)
	if o.Dir == "" {
		return s, nil
	}
	open := openJournaled
	if o.MustExist {
		open = openExisting
	}
	if err := s.openDisk(ctx, open); err != nil {
		return nil, fmt.Errorf("open lease database %s: %w", o.Dir, err)
	}
	return s, nil
}

func newStore(o Options) *Store {
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.InFlightMax == 0 {
		o.InFlightMax = inFlightDefault
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = reserveDefault
	}
	s := &Store{o: o, orphans: map[place]orphan{}}
	s.times = Times{}.filled()
	s.layout.Store(newLayout())
	return s
}

// filled puts defaults where nothing is said.
func (t Times) filled() Times {
	if t.Offer == 0 {
		t.Offer = offerDefault
	}
	if t.Tombstone == 0 {
		t.Tombstone = tombstoneDefault
	}
	return t
}

func (t Times) seconds() seconds {
	return seconds{offer: int64(t.Offer / time.Second), affinity: int64(t.Affinity / time.Second)}
}

// SetTimes says how long offers, former leases and tombstones are kept.
func (s *Store) SetTimes(t Times) {
	s.admin.Lock()
	defer s.admin.Unlock()
	s.times = t.filled()
	s.graves.setAge(s.times.Tombstone)
	for _, n := range s.layout.Load().nets {
		n.mu.Lock()
		n.times = s.times.seconds()
		n.mu.Unlock()
	}
}
