package ha

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// marks keeps the machine's marks over a restart: an empty file in dir for each
// relationship whose partner lacks leases of ours. An empty dir keeps nothing.
type marks struct{ dir string }

func (m marks) file(server string) string {
	return filepath.Join(m.dir, "ha-alone-"+url.PathEscape(server))
}

// has reports whether a relationship is marked; this server's name in it
// identifies it.
func (m marks) has(server string) bool {
	if m.dir == "" {
		return false
	}
	_, err := os.Stat(m.file(server))
	return err == nil
}

// set makes a mark, or its absence, durable.
func (m marks) set(server string, alone bool) error {
	if m.dir == "" {
		return nil
	}
	if err := m.change(server, alone); err != nil {
		return err
	}
	d, err := os.Open(m.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (m marks) change(server string, alone bool) error {
	if alone {
		f, err := os.OpenFile(m.file(server), os.O_CREATE|os.O_WRONLY, 0o640)
		if err != nil {
			return err
		}
		return f.Close()
	}
	err := os.Remove(m.file(server))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
