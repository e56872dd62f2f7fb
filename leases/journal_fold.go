package leases

import (
	"fmt"
	"io"
	"time"
)

// How the folder spreads its work: a file in portions, with a pause after each
// for the workers' processors, as long as other files are free.
const (
	foldOps   = 512
	foldPause = 2 * time.Millisecond
	foldAgain = time.Second // after a failure
)

func noPause() {}

// runFolder folds full files, in the order of their generations, until the disk
// is closed and all are done.
func (d *journaledDisk) runFolder() {
	defer d.stopped.Done()
	content := make([]byte, d.size)
	for {
		select {
		case j := <-d.full:
			d.foldSurely(j, content)
			continue
		default:
		}
		select {
		case j := <-d.full:
			d.foldSurely(j, content)
		case <-d.stop:
			if len(d.full) == 0 {
				return
			}
		}
	}
}

// foldSurely tries until a file is folded or the disk is closed. A file that
// cannot be folded stays as it is, for the next start or for an expert.
func (d *journaledDisk) foldSurely(j *journal, content []byte) {
	for tries := 0; ; tries++ {
		err := d.fold(j, content, d.pause)
		if err == nil {
			d.giveFree(j)
			return
		}
		if tries == 0 {
			d.log.Warn("lease database: a journal cannot be moved to the database and is tried again", "file", j.file.Name(), "error", err)
		}
		d.mu.Lock()
		d.fault = err
		d.mu.Unlock()
		d.freed.Broadcast()
		select {
		case <-d.stop:
			return
		case <-time.After(foldAgain):
		}
		if err := d.under.mend(); err != nil {
			d.log.Debug("lease database: mend it to fold the journal", "error", err)
		}
	}
}

// pause gives way while there is time.
func (d *journaledDisk) pause() {
	d.mu.Lock()
	hurry := len(d.free) == 0
	d.mu.Unlock()
	if hurry {
		return
	}
	select {
	case <-d.stop:
	case <-time.After(foldPause):
	}
}

// fold moves a file's changes to the database, durably, and makes it free. Done
// again after a failure, or by the next process, it writes the same versions.
func (d *journaledDisk) fold(j *journal, content []byte, pause func()) error {
	if err := d.under.room(); err != nil {
		return err
	}
	if j.end > 0 { // else another process wrote it, and its own end shows
		content = content[:j.end]
	}
	n, err := j.file.ReadAt(content, 0)
	if err != nil && (err != io.EOF || j.end > 0) {
		return fmt.Errorf("read %s: %w", j.file.Name(), err)
	}
	content = content[:n]
	var gathered []diskOp
	flush := func() error {
		if len(gathered) == 0 {
			return nil
		}
		err := d.under.write(gathered)
		gathered = gathered[:0]
		pause()
		return err
	}
	end, err := j.records(content, func(ops []diskOp) error {
		for _, o := range ops {
			if gathered = append(gathered, o); len(gathered) >= foldOps {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = d.under.sync()
	}
	if err != nil {
		return err
	}
	if promised := d.promised(j); end < promised {
		return fmt.Errorf("%w: the journal %s has commits up to byte %d, of which those from byte %d on cannot be read back", ErrCorrupt, j.file.Name(), promised, end)
	}
	return j.release()
}

// promised is the end of the commits that clients may have been told of.
func (d *journaledDisk) promised(j *journal) int64 {
	d.syncing.Lock()
	defer d.syncing.Unlock()
	return j.promised()
}
