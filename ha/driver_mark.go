package ha

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// marks keeps the machine's marks over a restart: a file in dir for each relationship
// whose partner lacks leases of ours, with the partner's counter of such leases as a
// decimal number. An empty dir keeps nothing.
type marks struct{ dir string }

func (m marks) file(server string) string {
	return filepath.Join(m.dir, "ha-alone-"+url.PathEscape(server))
}

// get returns the mark of a relationship; this server's name in it identifies it.
func (m marks) get(server string) (alone bool, read uint64) {
	if m.dir == "" {
		return false, 0
	}
	b, err := os.ReadFile(m.file(server))
	if errors.Is(err, fs.ErrNotExist) {
		return false, 0
	}
	// A number that we cannot read becomes one that no partner has: we do not know.
	if read, err = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err != nil {
		read = math.MaxUint64
	}
	return true, read
}

// set makes a mark, or its absence, durable.
func (m marks) set(server string, alone bool, read uint64) error {
	if m.dir == "" {
		return nil
	}
	if err := m.change(m.file(server), alone, read); err != nil {
		return err
	}
	d, err := os.Open(m.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (m marks) change(name string, alone bool, read uint64) error {
	if !alone {
		err := os.Remove(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, read)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
