package leases

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// Every log that Badger writes has its blocks before it is written, also those
// that were made ready while another was in use; and the syncer hears of each.
func TestLogsHaveTheirSpace(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir, Sync, "10.255.255.254")
	defer s.Close()
	before, err := listLogs(dir)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, 0, 400_000, time.Now().Unix()) // the journal holds half of it back
	after, err := listLogs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if after[len(after)-1] <= before[len(before)-1] {
		t.Fatal("no log was changed for another; the test shows nothing")
	}
	for _, n := range after {
		st, err := os.Stat(logName(dir, n))
		if err != nil {
			continue // flushed meanwhile
		}
		if blocks := st.Sys().(*syscall.Stat_t).Blocks; blocks*512 < logBytes {
			t.Errorf("log %d has %d bytes on disk, want %d", n, blocks*512, int64(logBytes))
		}
	}
}

// A log that Badger took is handed to the syncer, and the next one is made.
func TestAheadFollowsBadger(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(logName(dir, 1), make([]byte, 10), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := openAhead(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.sync(); err != nil || a.old.Name() != logName(dir, 1) {
		t.Fatalf("%v, synced %v", err, a.old.Name())
	}
	if err := os.Truncate(logName(dir, 2), logBytes); err != nil { // as Badger does
		t.Fatal(err)
	}
	if err := a.keep(); err != nil {
		t.Fatal(err)
	}
	if err := a.sync(); err != nil || a.old.Name() != logName(dir, 2) {
		t.Errorf("%v, synced %v", err, a.old.Name())
	}
	a.old.Close() // the disk goes
	first, second := a.sync(), a.sync()
	if first == nil || second == nil {
		t.Error("a failed sync must stay failed")
	}
	a.close()
	if logs, _ := listLogs(dir); len(logs) != 2 {
		t.Errorf("logs %v: the one never taken must go", logs)
	}
}
