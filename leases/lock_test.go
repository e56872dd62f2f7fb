package leases

import (
	"errors"
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
