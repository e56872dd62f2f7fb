package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// socketLock says whose a control socket is. It outlives the socket file, so
// that between bind and crash there is never doubt (Kea: unix_command_mgr.cc).
type socketLock struct {
	file *os.File
	path string // of the lock file
}

// lockSocket checks the socket's directory, takes the lock and removes what a
// dead server left.
func lockSocket(path string) (socketLock, error) {
	if err := checkSocketDir(path); err != nil {
		return socketLock{}, err
	}
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return socketLock{}, fmt.Errorf("lock control socket: %w", err)
	}
	l := socketLock{f, name}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return socketLock{}, fmt.Errorf("control socket %s is used by another server: give each its own socket-name", path)
		}
		return socketLock{}, fmt.Errorf("lock control socket %s: %w", name, err)
	}
	if err := removeStale(path); err != nil {
		l.release()
		return socketLock{}, err
	}
	return l, nil
}

// release gives the lock up. The file goes first: whoever opens a new one
// afterwards finds it unlocked.
func (l socketLock) release() {
	os.Remove(l.path)
	l.file.Close()
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("open control socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("open control socket: %s exists and is no socket: remove it or change socket-name", path)
	}
	return os.Remove(path)
}

// checkSocketDir refuses a directory where anybody could put a socket in our
// place.
func checkSocketDir(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("open control socket %s: its directory: %w", path, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("open control socket %s: %s is no directory", path, dir)
	}
	if m := info.Mode(); m.Perm()&0o002 != 0 && m&fs.ModeSticky == 0 {
		return fmt.Errorf("open control socket %s: anybody may write to %s: chmod o-w it", path, dir)
	}
	return nil
}
