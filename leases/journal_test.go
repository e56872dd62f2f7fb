package leases

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"
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
