package logging

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

// rotateMin is the least maxsize, in bytes, at which a file is rotated; below
// it a file grows without bound (Kea ARM, "The maxsize (integer) option").
const rotateMin = 204800

// rotating is a log file that is moved away when it is full: FILE to FILE.1,
// FILE.1 to FILE.2, up to maxVer. Its lock orders lines and rotation.
type rotating struct {
	mu     sync.Mutex // guards file and size
	name   string
	file   *os.File
	size   int64
	max    int64 // bytes; 0: never rotate
	maxVer int
}

func openRotating(name string, maxSize int64, maxVer int) (*rotating, error) {
	if maxSize < rotateMin {
		maxSize = 0
	}
	r := &rotating{name: name, max: maxSize, maxVer: max(maxVer, 1)}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *rotating) open() error {
	f, size, err := openLog(r.name)
	if err != nil {
		return err
	}
	r.file, r.size = f, size
	return nil
}

func openLog(name string) (*os.File, int64, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return nil, 0, fmt.Errorf("open log file: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("open log file: %w", err)
	}
	return f, info.Size(), nil
}

// Write implements io.Writer for whole lines.
func (r *rotating) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.max > 0 && r.size > 0 && r.size+int64(len(line)) > r.max {
		r.rotate()
	}
	n, err := r.file.Write(line)
	r.size += int64(n)
	return n, err
}

// rotate moves the versions up, once the new file is open under another name.
// If it cannot be had, nothing moves and writing goes on in the old one: a log
// in the wrong file is better than none.
func (r *rotating) rotate() {
	next, size, err := openLog(r.name + ".new")
	if err != nil {
		r.size = 0 // not at every line, but when as much again has been written
		return
	}
	for v := r.maxVer - 1; v >= 1; v-- {
		os.Rename(r.version(v), r.version(v+1))
	}
	os.Rename(r.name, r.version(1))
	os.Rename(next.Name(), r.name)
	r.file.Close()
	r.file, r.size = next, size
}

func (r *rotating) version(v int) string { return r.name + "." + strconv.Itoa(v) }

// Close implements io.Closer.
func (r *rotating) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.file.Close()
}
