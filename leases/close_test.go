package leases

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A database whose directory is gone cannot be flushed; closing it must end all
// the same, or the process would outlive its SIGTERM.
func TestCloseGivesUp(t *testing.T) {
	dir := t.TempDir()
	opened, err := openBadger(dir, &Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	d := opened.(*badgerDisk)
	if err := d.write([]diskOp{{key: []byte("key"), value: []byte("value"), version: 1}}); err != nil {
		t.Fatal(err)
	}
	d.giveUp = 200 * time.Millisecond
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err == nil || !strings.Contains(err.Error(), "gave up") {
		t.Errorf("closed with %v", err)
	}
}

// A process killed while Badger begins a log leaves an empty file. Found by
// TestKill, once in many runs.
func TestOpenBesideEmptyLogs(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir, Sync, "10.0.1.0")
	fill(t, s, 0, 100, time.Now().Unix())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"000900.vlog", "00900.mem"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = openTest(t, dir, Sync, "10.0.1.0")
	defer s.Close()
	if n := s.Stats().Subnets[0].Active; n != 100 {
		t.Errorf("%d of 100 leases", n)
	}
}
