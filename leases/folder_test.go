package leases

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The store is one process's, also while Badger is closed to be mended.
func TestOneProcessHasTheStore(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir, OS, "10.0.0.9")
	b := s.disk.disk.(*journaledDisk).under.(*badgerDisk)
	b.mu.Lock() // mend, stopped halfway
	b.ahead.close()
	b.broken = true
	if err := b.db.Close(); err != nil {
		t.Fatal(err)
	}
	b.mu.Unlock()
	open := func() error {
		other, err := Open(t.Context(), Options{Dir: dir, ReserveBytes: 1 << 20})
		if err == nil {
			other.Close()
		}
		return err
	}
	if err := open(); !errors.Is(err, ErrInUse) {
		t.Errorf("while it is mended, another process opens it: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(); err != nil {
		t.Errorf("after its end: %v", err)
	}
}

// A new folder's name is durable, and so is the number of the first use of a
// journal: a process under strace shows the syncs.
func TestFolderIsDurable(t *testing.T) {
	if dir := os.Getenv("LEASES_TEST_FOLDER"); dir != "" {
		if err := makeDir(dir); err != nil {
			t.Fatal(err)
		}
		openSmall(t, newFaultDisk(), dir)
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	above := t.TempDir()
	dir := filepath.Join(above, "one", "two")
	cmd := exec.Command(strace, "-f", "-y", "-e", "trace=pwrite64,fsync,fdatasync", os.Args[0], "-test.run=^TestFolderIsDurable$")
	cmd.Env = append(os.Environ(), "LEASES_TEST_FOLDER="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("strace: %v", err)
	}
	for _, name := range []string{above, filepath.Dir(dir), dir} {
		if !strings.Contains(string(out), "<"+name+">)") {
			t.Errorf("%s was not synced", name)
		}
	}
	begin := strings.LastIndex(string(out), "ntjrnl")
	if begin < 0 || !strings.Contains(string(out)[begin:], "fdatasync(") {
		t.Error("the first use of a journal was not synced")
	}
}
