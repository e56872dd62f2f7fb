package leases

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ExportFile writes all leases to a file by ExportCSV. Others see the old file
// or the whole new one, also after power loss; on an error the old one stays.
func (s *Store) ExportFile(name string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", name, err)
		}
	}()
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return errors.New("there is something else than a file")
	}
	dir, base := filepath.Split(name)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, base+".new.*") // another export's is another
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o640), s.ExportCSV(f), f.Sync(), f.Close()); err != nil {
		os.Remove(f.Name())
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncDir(dir)
}
