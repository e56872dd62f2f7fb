package leases

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Badger writes its log through a mapping of a sparse file. If the disk is full
// when a page of it is first touched, the kernel sends SIGBUS and the process is
// gone. So no page of a log may be touched that has no disk space yet:
//
//   - the current log gets its blocks when the database is opened;
//   - the next one's file is there before Badger asks for it, empty, but with
//     blocks beyond its end (FALLOC_FL_KEEP_SIZE), which become its content when
//     Badger sets its length.
//
// Tables are written through mappings too, by flushes and compactions that only
// commits set off; no commit starts without the reserve of free space (checkRoom)
// that they need. What is left: another process that eats the whole reserve while
// one flush or compaction runs, a second or so. Give a busy neighbour's disk a
// larger reserve, or give the leases a file system of their own.

// logSuffix names Badger's memtable logs, logBytes is the size it gives them.
const (
	logSuffix = ".mem"
	logBytes  = 2 * memTableBytes
)

// ahead owns the logs' space and the files to sync. keep and sync may be called
// by two goroutines; work is the mailbox between them.
type ahead struct {
	dir  string
	next int      // number of the log that waits for Badger
	file *os.File // it
	cur  *os.File // the log being written
	work chan *os.File
	old  *os.File // syncer's: what it last synced
	bad  error    // syncer's: the first failure; all after it fail too
}

// openAhead gives the current log its space and prepares the next one.
func openAhead(dir string) (_ *ahead, err error) {
	a := &ahead{dir: dir, work: make(chan *os.File, 64)}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	logs, err := listLogs(dir)
	if err != nil {
		return nil, err
	}
	if len(logs) == 0 {
		return nil, fmt.Errorf("%s: no memtable log; is this a Badger database?", dir)
	}
	for _, n := range logs { // a log that outlived its process may not be on disk yet
		if err = syncFile(logName(dir, n)); err != nil {
			return nil, err
		}
	}
	last := logs[len(logs)-1]
	if a.cur, err = os.OpenFile(logName(dir, last), os.O_RDWR, 0); err != nil {
		return nil, err
	}
	if err = unix.Fallocate(int(a.cur.Fd()), 0, 0, logBytes); err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return nil, fmt.Errorf("reserve space for %s: %w", a.cur.Name(), err)
	}
	a.next = last + 1
	if err = a.prepare(); err != nil {
		return nil, err
	}
	a.work <- a.cur
	return a, nil
}

// prepare makes the next log's file.
func (a *ahead) prepare() error {
	f, err := os.OpenFile(logName(a.dir, a.next), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, logBytes)
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		f.Close()
		os.Remove(f.Name())
		return fmt.Errorf("reserve space for the next log %s: %w", f.Name(), err)
	}
	a.file = f
	return syncDir(a.dir)
}

// keep notices that Badger took the next log and prepares another. Called after
// each write; one fstat.
func (a *ahead) keep() error {
	for {
		if a.file == nil {
			return a.prepare()
		}
		var st unix.Stat_t
		if err := unix.Fstat(int(a.file.Fd()), &st); err != nil {
			return err
		}
		if st.Size == 0 {
			return nil
		}
		a.cur = a.file
		a.work <- a.cur
		a.file, a.next = nil, a.next+1
	}
}

// sync makes all logs written so far durable: the current one, and those that
// were left for a new one since the last call. After a failure the kernel may
// have dropped what it could not write, so there is no second try.
func (a *ahead) sync() error {
	if a.old != nil && a.bad == nil {
		a.bad = a.sure(a.old)
	}
	for a.bad == nil {
		select {
		case f := <-a.work:
			if a.old != nil {
				a.old.Close()
			}
			a.old = f
			a.bad = a.sure(f)
		default:
			return nil
		}
	}
	return a.bad
}

// sure makes what a log holds durable: the log, or, where Badger has removed it, the
// name of the table that took its place, which Badger has synced but for that.
func (a *ahead) sure(log *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(log.Fd()), &st); err != nil {
		return fmt.Errorf("stat %s: %w", log.Name(), err)
	}
	if st.Nlink > 0 {
		return datasync(log)
	}
	return syncDir(a.dir)
}

func datasync(f *os.File) error {
	if err := unix.Fdatasync(int(f.Fd())); err != nil {
		return fmt.Errorf("sync %s: %w", f.Name(), err)
	}
	return nil
}

// close gives up the files and removes the log that Badger never took.
func (a *ahead) close() {
	if a.file != nil {
		a.file.Close()
		os.Remove(a.file.Name())
	}
	for {
		select {
		case f := <-a.work:
			f.Close()
			continue
		default:
		}
		break
	}
	if a.old != nil {
		a.old.Close()
	}
}

func syncFile(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil // flushed meanwhile
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return datasync(f)
}

func logName(dir string, n int) string {
	return filepath.Join(dir, fmt.Sprintf("%05d%s", n, logSuffix))
}

// listLogs returns the numbers of the logs, rising.
func listLogs(dir string) ([]int, error) {
	names, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, err
	}
	var out []int
	for _, e := range names {
		if base, ok := strings.CutSuffix(e.Name(), logSuffix); ok {
			n, err := strconv.Atoi(base)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err)
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// removeEmptyLogs removes logs that had a name and no content yet when the
// process was killed: memtable logs prepared and never taken, and value logs
// that Badger was about to begin. Badger would not open beside them.
func removeEmptyLogs(dir string) error {
	for _, pattern := range []string{"*.mem", "*.vlog"} {
		logs, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, name := range logs {
			st, err := os.Stat(name)
			if err != nil {
				return err
			}
			if st.Size() > 0 {
				continue
			}
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// syncDir makes new names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// checkRoom compares the free space of the disk with the reserve.
func checkRoom(dir string, reserve int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("statfs %s: %w", dir, err)
	}
	if free := int64(st.Bavail) * st.Bsize; free < reserve {
		return fmt.Errorf("%w: %s has %d MiB, the reserve is %d MiB", ErrNoSpace, dir, free>>20, reserve>>20)
	}
	return nil
}
