package leases

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
)

// opener opens a database in a folder.
type opener func(dir string, o *Options) (disk, error)

// seqGap separates the change numbers of two runs: those of the last moments
// may have been lost with the power.
const seqGap = 1 << 20

// openDisk opens the database and starts the committer. Leases are read by the
// first Configure, straight into their slots.
func (s *Store) openDisk(ctx context.Context, open opener) error {
	d, err := openLater(ctx, open, &s.o)
	if err != nil {
		return err
	}
	s.seq.Store(d.maxVersion() + seqGap)
	s.disk = startCommitter(s, d)
	s.unread = true
	return nil
}

// corruptLogged bounds the log lines about values that cannot be read.
const corruptLogged = 10

// readGCPercent keeps down what the growing tables leave behind: half of memory at
// its peak would be garbage else. There is nothing in them for the collector to
// walk, so to collect more often costs little.
const readGCPercent = 20

// read streams the database into the layout. Values that cannot be read stay on
// disk, are counted and, the first few, logged; their addresses stay out of use.
// A newer version's are an error: what it means by them is anybody's guess.
func (s *Store) read(l *layout, c *census) error {
	defer debug.SetGCPercent(debug.SetGCPercent(readGCPercent))
	err := s.disk.disk.load(func(key, value []byte) error {
		var err error
		switch {
		case len(key) == leaseKeyLen && key[0] == kindLease:
			err = s.readLease(l, place{binary.BigEndian.Uint32(key[1:]), binary.BigEndian.Uint32(key[5:])}, value, c)
		case len(key) == tombstoneKeyLen && key[0] == kindTombstone && len(value) == tombstoneLen:
			s.graves.add(Tombstone{
				Seq: binary.BigEndian.Uint64(key[1:]), SubnetID: binary.BigEndian.Uint32(value),
				Addr: binary.BigEndian.Uint32(value[4:]), At: int64(binary.BigEndian.Uint64(value[8:])),
			})
		case len(key) == 1 && key[0] == kindIdentity && len(value) == len(s.identity):
			copy(s.identity[:], value)
		default:
			err = fmt.Errorf("%w: a key of no known kind", ErrCorrupt)
		}
		if errors.Is(err, ErrNewer) {
			return fmt.Errorf("%w; start that version, or export its leases with it and import them here into an empty folder", err)
		}
		if err != nil && s.stats.corrupt.Add(1) <= corruptLogged {
			s.o.Log.Error("lease database: a value cannot be read; if it is a lease's, its address stays out of use until the lease is deleted", "key", fmt.Sprintf("%x", key), "error", err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read lease database %s: %w", s.o.Dir, err)
	}
	s.unread = false
	// Growing tables and reading left garbage; nobody is served yet who would
	// notice its collection.
	debug.FreeOSMemory()
	if s.identity == [16]byte{} {
		return s.baptize()
	}
	return nil
}

// readLease puts one stored lease in its slot, or among the orphans.
func (s *Store) readLease(l *layout, at place, value []byte, c *census) error {
	r, err := parseRecord(value)
	if err != nil {
		r, err = unreadable, fmt.Errorf("subnet %d address %v: %w", at.subnet, toAddr(at.addr), err)
	}
	s.house(l, at, &r, true, c)
	return err
}

// baptize gives a new database its name.
func (s *Store) baptize() error {
	rand.Read(s.identity[:])
	name := []diskOp{{key: []byte{kindIdentity}, value: slices.Clone(s.identity[:]), version: s.seq.Add(1)}}
	if err := s.disk.disk.room(); err != nil {
		return err
	}
	return s.disk.disk.write(name)
}
