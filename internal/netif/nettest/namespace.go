package nettest

import (
	"fmt"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Namespace is one network namespace of a lab, with its loopback up.
type Namespace struct {
	Name string // as `ip netns` knows it
	lab  *Lab
	ns   netns.NsHandle
}

// Namespace makes a namespace. name tells it from others of the lab.
func (l *Lab) Namespace(name string) (*Namespace, error) {
	n := &Namespace{Name: l.prefix + name, lab: l}
	err := onThread(func() error {
		ns, err := netns.NewNamed(n.Name) // leaves the thread in it
		if err != nil {
			return err
		}
		n.ns = ns
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	if n.ns > 0 {
		if undo := l.later(n.remove); undo != nil {
			return nil, undo
		}
	}
	if err != nil {
		return nil, fmt.Errorf("make network namespace %s: %w", n.Name, err)
	}
	return n, nil
}

func (n *Namespace) remove() error {
	n.ns.Close()
	if err := netns.DeleteNamed(n.Name); err != nil {
		return fmt.Errorf("remove network namespace %s (try: ip netns del %s): %w", n.Name, n.Name, err)
	}
	return nil
}

// Do runs f on a thread inside the namespace and returns its error. Sockets
// that f opens stay in the namespace; goroutines that it starts do not run in
// it.
func (n *Namespace) Do(f func() error) error {
	return onThread(func() error {
		if err := netns.Set(n.ns); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", n.Name, err)
		}
		return f()
	})
}

// onThread runs f on a thread of its own that ends with it, since a thread that
// has been in another namespace must not run other goroutines.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked
		finished := false
		defer func() {
			if !finished { // f ended the goroutine, as t.Fatal does
				done <- fmt.Errorf("the function inside the namespace did not return")
			}
		}()
		err := f()
		finished = true
		done <- err
	}()
	return <-done
}
