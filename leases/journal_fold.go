package leases

import (
	"fmt"
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

// foldSurely tries until a file is folded or the disk is closed.
func (d *journaledDisk) foldSurely(j *journal, content []byte) {
	for {
		err := d.fold(j, content, d.pause)
		if err == nil {
			d.giveFree(j)
			return
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
	if j.end > 0 { // else another process wrote it
		content = content[:j.end]
	}
	if _, err := j.file.ReadAt(content, 0); err != nil {
		return fmt.Errorf("read %s: %w", j.file.Name(), err)
	}
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
	end, err := records(content, j.generation, func(ops []diskOp) error {
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
	if end < j.end { // a failed sync, whose commits nobody was told of
		d.log.Warn("lease database: the end of a journal could not be read back", "file", j.file.Name(), "read", end, "written", j.end)
	}
	return j.release()
}
