package leases

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

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
