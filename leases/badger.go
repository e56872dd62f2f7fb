package leases

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// memTableBytes is the size of Badger's memtables; its logs take twice that on
// disk. Small: at start they lie in memory, and their flush must fit the
// reserve.
const memTableBytes = 8 << 20

// Tables are compressed for the writer's sake: a lease is written to one when its
// memtable is flushed and again by each compaction, through a mapping, and half of the
// bytes is half of the page faults and of what is synced. It takes a quarter off the
// processor time of all that Badger does (go test -bench Fold). The cache is the
// smallest that Badger takes; what is read is read once, at start.
const (
	tableBlockBytes = 16 << 10
	tableCacheBytes = 1 << 20
)

// closeMax bounds the wait for Badger's close, which goes on for ever where the
// disk takes no more. What was acknowledged lies in its log by then.
const closeMax = 20 * time.Second

// badgerDisk is a Badger database as a disk. Badger orders versions by number,
// not by arrival (managed mode), so batches of different workers may reach it in
// any order.
type badgerDisk struct {
	dir     string
	reserve int64
	log     *slog.Logger
	ahead   *ahead
	giveUp  time.Duration // closeMax, shorter in tests

	mu     sync.RWMutex // mend replaces db
	db     *badger.DB
	broken bool           // db could not be opened again
	batch  []badger.Entry // of write, which one goroutine at a time calls
}

// openBadger opens the database of a folder, which is there.
func openBadger(dir string, o *Options) (disk, error) {
	d := &badgerDisk{dir: dir, reserve: o.ReserveBytes, log: o.Log, giveUp: closeMax}
	if err := d.room(); err != nil {
		return nil, err // opening writes what the last run left in logs to tables
	}
	if err := d.open(); err != nil {
		return nil, err
	}
	return d, nil
}

// open opens the database; its logs get their disk space at once.
func (d *badgerDisk) open() error {
	if err := removeEmptyLogs(d.dir); err != nil {
		return err
	}
	db, err := badger.OpenManaged(badger.DefaultOptions(d.dir).
		WithLogger(badgerLog{d.log}).
		WithMemTableSize(memTableBytes).
		WithNumMemtables(2).
		WithValueLogFileSize(1 << 20). // values are far below the threshold; it stays empty
		WithCompression(options.Snappy).WithBlockSize(tableBlockBytes).WithBlockCacheSize(tableCacheBytes).
		WithBloomFalsePositive(0). // keys are only ever iterated over
		WithNumCompactors(2).
		WithNumVersionsToKeep(1).
		WithDetectConflicts(false).
		WithMetricsEnabled(false))
	if err != nil {
		return err
	}
	ahead, err := openAhead(d.dir)
	if err != nil {
		db.Close()
		return err
	}
	d.db, d.ahead, d.broken = db, ahead, false
	return nil
}

func (d *badgerDisk) maxVersion() uint64 { return d.db.MaxVersion() }

// readStep is how many entries are read before the pages they lay in are let go.
const readStep = 1 << 17

// load also closes and opens the database: a compaction that opening it began holds
// buffers for longer than it takes.
func (d *badgerDisk) load(f func(key, value []byte) error) error {
	if err := d.read(f); err != nil {
		return err
	}
	return d.mend()
}

func (d *badgerDisk) read(f func(key, value []byte) error) error {
	txn := d.db.NewTransactionAt(math.MaxUint64, false)
	defer txn.Discard()
	it := txn.NewIterator(badger.IteratorOptions{})
	defer it.Close()
	n := 0
	for it.Rewind(); it.Valid(); it.Next() {
		item := it.Item()
		if err := item.Value(func(v []byte) error { return f(item.Key(), v) }); err != nil {
			return fmt.Errorf("key %x: %w", item.Key(), err)
		}
		if n++; n%readStep == 0 {
			d.unmap()
		}
	}
	return nil
}

// unmap lets go of the pages read. Where it cannot they only count as ours longer.
func (d *badgerDisk) unmap() {
	if err := unmapTables(); err != nil {
		d.log.Debug("lease database: its tables stay in memory", "error", err)
	}
}

func (d *badgerDisk) room() error { return checkRoom(d.dir, d.reserve) }

// prompt: never, a write waits for Badger's goroutines and its flushes.
func (d *badgerDisk) prompt() bool { return false }

// write puts the ops in a write batch: no transaction holds them together,
// since every change stands alone and a commit is acknowledged only whole.
func (d *badgerDisk) write(ops []diskOp) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.broken {
		return fmt.Errorf("lease database %s is not open", d.dir)
	}
	if cap(d.batch) < len(ops) {
		d.batch = make([]badger.Entry, len(ops)+len(ops)/2)
	}
	wb := d.db.NewManagedWriteBatch()
	defer wb.Cancel()
	for i := range ops {
		o, e := &ops[i], &d.batch[i]
		if o.del {
			if err := wb.DeleteAt(o.key, o.version); err != nil {
				return err
			}
			continue
		}
		*e = badger.Entry{Key: o.key, Value: o.value}
		if err := wb.SetEntryAt(e, o.version); err != nil {
			return err
		}
	}
	if err := wb.Flush(); err != nil {
		return err
	}
	d.db.SetDiscardTs(ops[len(ops)-1].version)
	return d.ahead.keep()
}

func (d *badgerDisk) sync() error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.broken {
		return fmt.Errorf("lease database %s is not open", d.dir)
	}
	return d.ahead.sync()
}

// mend closes the database and opens it again. A failed sync may leave a hole in
// the middle of the log, behind which nothing would be found after a power loss;
// closing writes what is in memory to a table of its own and opening starts a
// new log.
func (d *badgerDisk) mend() error {
	if err := d.room(); err != nil {
		return err // closing needs space too
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.broken {
		d.ahead.close()
		d.broken = true
		if err := d.db.Close(); err != nil {
			d.log.Warn("closing the lease database to mend it", "dir", d.dir, "error", err)
		}
	}
	return d.open()
}

func (d *badgerDisk) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken {
		return nil
	}
	d.broken = true
	d.ahead.close()
	done := make(chan error, 1)
	go func() { done <- d.db.Close() }()
	select {
	case err := <-done:
		return err
	case <-time.After(d.giveUp):
		return fmt.Errorf("close lease database %s: the disk takes no more, gave up after %v; what was acknowledged is in its log", d.dir, d.giveUp)
	}
}

// badgerLog sends Badger's warnings and errors to our log.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(f string, a ...any)   { l.log.Error("badger: " + fmt.Sprintf(f, a...)) }
func (l badgerLog) Warningf(f string, a ...any) { l.log.Debug("badger: " + fmt.Sprintf(f, a...)) }
func (l badgerLog) Infof(string, ...any)        {}
func (l badgerLog) Debugf(string, ...any)       {}

// openExisting is openJournaled for a database that is there.
func openExisting(dir string, o *Options) (disk, error) {
	if _, err := os.Stat(filepath.Join(dir, badger.ManifestFilename)); err != nil {
		return nil, fmt.Errorf("there is none: %w", err)
	}
	return openJournaled(dir, o)
}

// openLater lets Open be cancelled before the database is touched.
func openLater(ctx context.Context, open opener, o *Options) (disk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return open(o.Dir, o)
}
