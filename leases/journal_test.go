package leases

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"os/signal"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// smallJournal turns its files every few dozen changes.
const smallJournal = 4 << 10

func openSmall(t *testing.T, under disk, dir string) *journaledDisk {
	t.Helper()
	d, err := newJournaled(under, dir, slog.New(slog.DiscardHandler), smallJournal)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// op is change number v of one of 16 keys.
func op(v uint64) diskOp {
	return diskOp{key: []byte{kindLease, byte(v % 16)}, value: binary.BigEndian.AppendUint64(nil, v), version: v, del: v%5 == 0}
}

// newest is what a disk should hold after ops 1 to n.
func newest(n uint64) *faultDisk {
	d := newFaultDisk()
	for v := uint64(1); v <= n; v++ {
		put(d.written, op(v))
	}
	return d
}

func dump(t *testing.T, d disk) (out string) {
	t.Helper()
	if err := d.load(func(k, v []byte) error { out += fmt.Sprintf("%x=%x ", k, v); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// A process that dies leaves a journal; the next one finds every write in it
// that was whole, and nothing of one that was not, wherever it was cut.
func TestJournalCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	d := openSmall(t, newFaultDisk(), dir)
	var ends []int64
	for v := uint64(1); v <= 6; v++ {
		if err := d.write([]diskOp{op(v)}); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, d.current.end)
	}
	content, err := os.ReadFile(d.current.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	again := t.TempDir()
	for cut := int64(journalHeader); cut <= ends[5]; cut++ {
		whole := uint64(0)
		for whole < 6 && ends[whole] <= cut {
			whole++
		}
		torn := bytes.Clone(content)
		for i := range torn[cut:] {
			torn[int(cut)+i] ^= 0xff
		}
		if err := os.WriteFile(again+"/journal-2", torn, 0o600); err != nil {
			t.Fatal(err)
		}
		under := newFaultDisk()
		openSmall(t, under, again).close()
		if got, want := dump(t, under), dump(t, newest(whole)); got != want {
			t.Fatalf("cut at %d, %d writes whole: found %s, want %s", cut, whole, got, want)
		}
	}
	d.close()
}

// What is written reaches the disk below, by versions, across many turns of the
// ring, with a process that dies in between.
func TestJournalFolds(t *testing.T) {
	dir, under := t.TempDir(), newFaultDisk()
	v := uint64(0)
	for range 5 {
		d := openSmall(t, under, dir)
		for range 300 {
			v++
			if err := d.write([]diskOp{op(v)}); err != nil {
				t.Fatal(err)
			}
		}
		close(d.stop) // it dies: what was not folded is not
		d.stopped.Wait()
		d.closeFiles()
	}
	openSmall(t, under, dir).close()
	if got, want := dump(t, under), dump(t, newest(v)); got != want {
		t.Errorf("found %s, want %s", got, want)
	}
	if len(under.pending) > 0 {
		t.Errorf("%d ops were folded and not synced", len(under.pending))
	}
}

// A folded file says nothing any more: the database may have forgotten what
// it deleted.
func TestJournalDoesNotRepeatItself(t *testing.T) {
	dir := t.TempDir()
	d := openSmall(t, newFaultDisk(), dir)
	if err := d.write([]diskOp{op(1)}); err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	under := newFaultDisk()
	openSmall(t, under, dir).close()
	if got := dump(t, under); got != "" {
		t.Errorf("came back: %s", got)
	}
}

// While the disk below takes nothing, writes go on until all files are full, then
// fail, and go on when it takes them again. None is lost.
func TestJournalRidesOutTheDisk(t *testing.T) {
	under := newFaultDisk()
	under.fail = func(int) bool { return true }
	d := openSmall(t, under, t.TempDir())
	v, err := uint64(0), error(nil)
	for err == nil {
		v++
		err = d.write([]diskOp{op(v)})
	}
	if v < 3*smallJournal/100 {
		t.Errorf("only %d writes went through: %v", v, err)
	}
	if d.prompt() {
		t.Error("prompt although all files are full")
	}
	under.mu.Lock()
	under.fail = func(int) bool { return false }
	under.mu.Unlock()
	for deadline := time.Now().Add(20 * time.Second); d.write([]diskOp{op(v)}) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("writes never went on")
		}
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if got, want := dump(t, under), dump(t, newest(v)); got != want {
		t.Errorf("found %s, want %s", got, want)
	}
}

// After a failed sync nothing is acknowledged until mend, and what follows it is
// found again.
func TestJournalMends(t *testing.T) {
	dir, under := t.TempDir(), newFaultDisk()
	d := openSmall(t, under, dir)
	d.write([]diskOp{op(1)})
	d.bad = errInjected
	for range 2 {
		if d.sync() == nil {
			t.Error("a failed sync must stay failed")
		}
	}
	before := d.current
	if err := d.mend(); err != nil || d.current == before {
		t.Fatalf("mend: %v, and in the same file: %v", err, d.current == before)
	}
	d.write([]diskOp{op(2)})
	if err := d.sync(); err != nil {
		t.Error(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if got, want := dump(t, under), dump(t, newest(2)); got != want {
		t.Errorf("found %s, want %s", got, want)
	}
}

// A write that the disk cuts short fails, and mending goes on in another file:
// what was acknowledged before and after is found again.
func TestJournalShortWrite(t *testing.T) {
	dir, under := t.TempDir(), newFaultDisk()
	d := openSmall(t, under, dir)
	write := func(v uint64) error { return d.write([]diskOp{op(v)}) }
	if err := write(1); err != nil {
		t.Fatal(err)
	}
	limitFiles(t, uint64(d.current.end)+10, func() {
		if write(2) == nil {
			t.Error("a write that was cut short was taken for success")
		}
	})
	if err := d.mend(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(3), write(4), d.sync()); err != nil {
		t.Fatal(err)
	}
	close(d.stop) // it dies; the first file may be folded or not
	d.stopped.Wait()
	openSmall(t, under, dir)
	want := newFaultDisk()
	for _, v := range []uint64{1, 3, 4} {
		put(want.written, op(v))
	}
	if got, want := dump(t, under), dump(t, want); got != want {
		t.Errorf("found %s, want %s", got, want)
	}
}

// limitFiles runs f while files may not grow beyond a size.
func limitFiles(t *testing.T, size uint64, f func()) {
	t.Helper()
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_FSIZE, &old)
	f()
}

// A client's bytes in an old record, placed where the present use of the file ends,
// do not pass for a record of it, although length, generation and plain checksum
// are right.
func TestJournalForgedRecord(t *testing.T) {
	dir := t.TempDir()
	d := openSmall(t, newFaultDisk(), dir)
	forged := appendOp(make([]byte, recordHeader), &diskOp{key: []byte("victim"), version: 1 << 60, del: true})
	binary.BigEndian.PutUint64(forged[8:], d.current.generation)
	binary.BigEndian.PutUint32(forged, uint32(len(forged)-8))
	binary.BigEndian.PutUint32(forged[4:], crc32.Checksum(forged[8:], castagnoli))
	if err := errors.Join(d.write([]diskOp{op(1)}), d.write([]diskOp{op(2)})); err != nil {
		t.Fatal(err)
	}
	if _, err := d.current.file.WriteAt(forged, d.current.end); err != nil {
		t.Fatal(err)
	}
	under := newFaultDisk()
	openSmall(t, under, dir)
	if got, want := dump(t, under), dump(t, newest(2)); got != want || len(under.written) != 2 {
		t.Errorf("found %v, want %s", under.written, want)
	}
}

// A journal of format 1, without a salt, is folded like any other.
func TestJournalFormat1(t *testing.T) {
	dir := t.TempDir()
	d := openSmall(t, newFaultDisk(), dir)
	d.current.salt = 0
	if err := errors.Join(d.write([]diskOp{op(1)}), d.current.head(magicUsed1, d.current.generation)); err != nil {
		t.Fatal(err)
	}
	under := newFaultDisk()
	openSmall(t, under, dir)
	if got, want := dump(t, under), dump(t, newest(1)); got != want {
		t.Errorf("found %s, want %s", got, want)
	}
}

// What another version or a fault left in a journal is kept: a file of another
// size is folded, one that cannot be read keeps the store from opening.
func TestJournalKeepsWhatIsForeign(t *testing.T) {
	for _, c := range []struct {
		what    string
		change  func(content []byte) []byte
		refused error
	}{
		{"cut short", func(b []byte) []byte { return b[:len(b)-1] }, nil},
		{"larger", func(b []byte) []byte { return append(b, make([]byte, smallJournal)...) }, nil},
		{"a newer format", func(b []byte) []byte { b[6]++; return b }, ErrNewer},
		{"another program's", func(b []byte) []byte { b[0]++; return b }, ErrCorrupt},
		{"no header", func(b []byte) []byte { clear(b[:journalHeader]); return b }, ErrCorrupt},
	} {
		dir := t.TempDir()
		d := openSmall(t, newFaultDisk(), dir)
		for v := uint64(1); v <= 4; v++ {
			if err := d.write([]diskOp{op(v)}); err != nil {
				t.Fatal(err)
			}
		}
		name := d.current.file.Name() // the process dies here
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		content = c.change(content)
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		under := newFaultDisk()
		_, err = newJournaled(under, dir, quiet, smallJournal)
		if !errors.Is(err, c.refused) {
			t.Errorf("%s: opened with %v, want %v", c.what, err, c.refused)
		}
		if err != nil {
			if after, _ := os.ReadFile(name); !bytes.Equal(after, content) {
				t.Errorf("%s: the file was changed", c.what)
			}
		} else if got, want := dump(t, under), dump(t, newest(4)); got != want {
			t.Errorf("%s: found %s, want %s", c.what, got, want)
		}
	}
}

// A file whose commits cannot all be read back is not made free, unless a sync
// failed: then what came after the last good one was promised to nobody.
func TestJournalKeepsWhatItCannotRead(t *testing.T) {
	d := openSmall(t, newFaultDisk(), t.TempDir())
	var ends []int64
	for v := uint64(1); v <= 3; v++ {
		if err := errors.Join(d.write([]diskOp{op(v)}), d.sync()); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, d.current.end)
	}
	j := d.current
	if _, err := j.file.WriteAt([]byte{0xff}, ends[1]+recordHeader); err != nil { // in the third record
		t.Fatal(err)
	}
	for _, c := range []struct {
		sure int64
		keep bool
	}{{ends[2], true}, {ends[1], false}} {
		j.sure = position(j.generation, c.sure)
		err := d.fold(j, make([]byte, smallJournal), noPause)
		if kept := j.used && errors.Is(err, ErrCorrupt); kept != c.keep {
			t.Errorf("synced up to %d of %d: kept %v, want %v (%v)", c.sure, j.end, kept, c.keep, err)
		}
	}
}

// TestJournalCrashAtEveryFold stops the disk below for good at each of its writes
// and syncs in turn, and loses part of what it had not synced: the journal has the
// rest of what was acknowledged.
func TestJournalCrashAtEveryFold(t *testing.T) {
	for at, last := 1, false; !last; at++ {
		dir, d := t.TempDir(), newFaultDisk()
		d.half = at%2 == 0
		stopped := false
		r := newFaultRun(t, openSmall(t, d, dir), 3)
		d.mu.Lock()
		from := d.calls
		d.fail = func(call int) bool { stopped = stopped || call-from >= at; return stopped }
		d.mu.Unlock()
		r.run(3 * faultSteps)
		d.mu.Lock()
		last = !stopped
		d.mu.Unlock()
		r.s.Close()
		again := openFault(t, openSmall(t, d.crash(r.rng), dir), r.clock)
		r.present(again, fmt.Sprintf("stopped at write %d of a fold", at))
		again.Close()
		if t.Failed() {
			return
		}
	}
}
