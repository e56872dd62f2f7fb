package leases

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
)

// journaledDisk is a disk with a journal before it. One commit to Badger costs
// several goroutine switches and a dozen allocations a change; here it is one
// pwrite, and the folder gives Badger what has gathered. The writer is whoever calls
// write, one at a time.
type journaledDisk struct {
	under disk
	lock  *os.File // held from before anything of the folder is touched to the end
	log   *slog.Logger
	size  int                    // of a file, journalBytes but in tests
	files [journalFiles]*journal // fixed; what is in one is the writer's or the folder's

	record  []byte   // the writer's
	current *journal // the writer's

	syncing sync.Mutex // guards bad and what is known of syncs, held during one
	bad     error      // a sync failed, until mend

	full    chan *journal // writer to folder
	stop    chan struct{}
	stopped sync.WaitGroup

	mu    sync.Mutex
	freed sync.Cond // a file became free, or folding failed; on mu
	free  []*journal
	fault error // of the last fold, nil if it succeeded
}

// openJournaled opens Badger behind a journal, and first folds what the last
// process left in its files. The folder is this process's alone until close.
func openJournaled(dir string, o *Options) (_ disk, err error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	under, err := openBadger(dir, o)
	if err != nil {
		return nil, err
	}
	d, err := newJournaled(under, dir, o.Log, journalBytes)
	if err != nil {
		under.close()
		return nil, err
	}
	d.lock = lock
	return d, nil
}

func newJournaled(under disk, dir string, log *slog.Logger, size int) (_ *journaledDisk, err error) {
	d := &journaledDisk{
		under: under, log: log, size: size, record: make([]byte, recordHeader, recordMax),
		full: make(chan *journal, journalFiles), stop: make(chan struct{}),
	}
	d.freed.L = &d.mu
	defer func() {
		if err != nil {
			d.closeFiles()
		}
	}()
	last, err := d.recover(dir)
	if err != nil {
		return nil, err
	}
	if err = syncDir(dir); err != nil {
		return nil, err
	}
	d.free = slices.Clone(d.files[1:])
	d.current = d.files[0]
	if err = d.current.begin(last + generationGap); err != nil {
		return nil, err
	}
	if err = datasync(d.current.file); err != nil { // the next process must see the number
		return nil, err
	}
	d.stopped.Add(1)
	go d.runFolder()
	return d, nil
}

// recover opens the files, all of them before any is changed, and folds what is in
// them, oldest first. It returns the highest generation there was.
func (d *journaledDisk) recover(dir string) (last uint64, err error) {
	var content []byte
	var left []*journal
	for i := range d.files {
		if d.files[i], content, err = openJournal(dir, i, d.size, content); err != nil {
			return 0, err
		}
		last = max(last, d.files[i].generation)
		if d.files[i].used {
			left = append(left, d.files[i])
		}
	}
	slices.SortFunc(left, func(a, b *journal) int { return cmp.Compare(a.generation, b.generation) })
	for _, j := range left {
		if err := d.fold(j, content, noPause); err != nil {
			return 0, fmt.Errorf("take the journal %s over: %w", j.file.Name(), err)
		}
	}
	return last, nil
}

func (d *journaledDisk) load(f func(key, value []byte) error) error { return d.under.load(f) }
func (d *journaledDisk) maxVersion() uint64                         { return d.under.maxVersion() }
func (d *journaledDisk) room() error                                { return d.under.room() }

// recordMax bounds a record, the last op apart.
func (d *journaledDisk) recordMax() int { return min(recordMax, d.size/4) }

// prompt implements disk: a write finds room in this file or a free one.
func (d *journaledDisk) prompt() bool {
	if d.current.end+recordMax <= d.current.size {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.free) > 0
}

// write puts the ops into the journal, in as many records as they need.
func (d *journaledDisk) write(ops []diskOp) error {
	d.record = d.record[:recordHeader]
	for i := range ops {
		o := &ops[i]
		d.record = appendOp(d.record, o)
		if len(d.record) >= d.recordMax() {
			if err := d.put(); err != nil {
				return err
			}
		}
	}
	return d.put()
}

// put writes the record that was gathered.
func (d *journaledDisk) put() error {
	defer func() { d.record = d.record[:recordHeader] }()
	if len(d.record) == recordHeader {
		return nil
	}
	for {
		ok, err := d.current.append(d.record)
		if ok || err != nil {
			return err
		}
		if err := d.turn(); err != nil {
			return err
		}
	}
}

// turn goes on in a free file and leaves the full one to the folder.
func (d *journaledDisk) turn() error {
	next, err := d.takeFree()
	if err != nil {
		return err
	}
	if err := next.begin(d.current.generation + 1); err != nil {
		d.giveFree(next)
		return err
	}
	d.full <- d.current
	d.current = next
	return nil
}

// takeFree waits for a free file, or for folding to fail.
func (d *journaledDisk) takeFree() (*journal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.free) == 0 {
		if d.fault != nil {
			return nil, fmt.Errorf("all journals are full and cannot be folded: %w", d.fault)
		}
		d.freed.Wait()
	}
	j := d.free[0]
	d.free = d.free[1:]
	return j, nil
}

func (d *journaledDisk) giveFree(j *journal) {
	d.mu.Lock()
	d.free, d.fault = append(d.free, j), nil
	d.mu.Unlock()
	d.freed.Broadcast()
}

// sync makes what was written durable. What is written meanwhile may miss it.
func (d *journaledDisk) sync() error {
	d.syncing.Lock()
	defer d.syncing.Unlock()
	for _, j := range d.files {
		if d.bad == nil {
			d.bad = j.sync()
		}
	}
	return d.bad
}

// mend goes on in another file. After a failed sync the kernel may hold the
// pages it could not write for clean, so nothing may follow them; what was
// acknowledged lies before them and is folded.
func (d *journaledDisk) mend() error {
	if err := d.under.room(); err != nil {
		return err
	}
	if err := d.turn(); err != nil {
		return err
	}
	d.syncing.Lock()
	defer d.syncing.Unlock()
	d.bad = nil
	return nil
}

// close folds what is there and closes everything. What cannot be folded stays
// for the next start.
func (d *journaledDisk) close() error {
	d.full <- d.current
	close(d.stop)
	d.stopped.Wait()
	d.closeFiles()
	err := d.under.close()
	if d.lock != nil {
		d.lock.Close()
	}
	return err
}

func (d *journaledDisk) closeFiles() {
	for _, j := range d.files {
		if j != nil {
			j.file.Close()
		}
	}
}
