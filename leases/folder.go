package leases

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// makeDir makes a folder, and what lies above it, so that power loss leaves it.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o750)
	switch {
	case errors.Is(err, fs.ErrExist):
		st, err := os.Stat(dir)
		if err == nil && !st.IsDir() {
			err = fmt.Errorf("%s is no directory", dir)
		}
		return err
	case errors.Is(err, fs.ErrNotExist):
		if err = makeDir(filepath.Dir(dir)); err == nil {
			err = os.Mkdir(dir, 0o750)
		}
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// lockName names the file whose lock says that a process has the store. Badger
// locks the folder too, but lets go of it whenever it is mended, and knows
// nothing of the journal.
const lockName = "store.lock"

// lockDir takes the store of a folder for this process, until the file is closed
// or the process ends. The file stays: removing it would let two processes
// hold locks of two files of one name.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("%w by another process: stop that one first (fuser %s tells which)", ErrInUse, f.Name())
	}
	return nil, err
}
