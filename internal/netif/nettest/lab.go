package nettest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// Lab is a set of namespaces and the processes in them. It may be used from
// several goroutines.
type Lab struct {
	prefix string

	mu    sync.Mutex
	undo  []func() error // guarded by mu; run last to first
	ended bool           // guarded by mu
}

// TB is what ForTest needs of testing.TB, so that programs which are no tests
// do not link package testing.
type TB interface {
	Helper()
	Cleanup(func())
	Skip(args ...any)
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

var labs atomic.Uint32

// Open makes an empty lab. The caller must Close it, also when interrupted.
func Open() *Lab {
	sweep()
	return &Lab{prefix: fmt.Sprintf("nt%d-%d-", os.Getpid(), labs.Add(1))}
}

// ForTest makes a lab that ends with the test. It skips the test if the process
// is not root.
func ForTest(t TB) *Lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	l := Open()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("take down the test network: %v", err)
		}
	})
	return l
}

// Close stops the processes and removes the namespaces, newest first. It may be
// called twice.
func (l *Lab) Close() error {
	l.mu.Lock()
	undo := l.undo
	l.undo, l.ended = nil, true
	l.mu.Unlock()
	var errs []error
	for i := len(undo) - 1; i >= 0; i-- {
		errs = append(errs, undo[i]())
	}
	return errors.Join(errs...)
}

// later registers an undo, or runs it now if the lab has ended meanwhile.
func (l *Lab) later(undo func() error) error {
	l.mu.Lock()
	if !l.ended {
		l.undo = append(l.undo, undo)
		l.mu.Unlock()
		return nil
	}
	l.mu.Unlock()
	return errors.Join(errors.New("the lab is closed"), undo())
}
