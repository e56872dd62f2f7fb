package fastpath

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/cilium/ebpf/link"

	"needletail/internal/netif"
	"needletail/internal/xsk"
)

// side is one interface with the program attached. Each has a program and a
// map of sockets of its own, because a socket takes frames of one queue of one
// interface, and a frame redirected to another is lost.
type side struct {
	picked netif.Picked
	native bool
	loaded *loaded
	link   link.Link
	legs   map[int]*leg     // by queue
	mac    atomic.Uint64    // of the interface, as word makes it; read by its ports
	live   atomic.Bool      // the interface sends live frames; read by its ports
	dead   error            // why it does not
	device netif.Device     // as the driver last told
	queues int              // of the driver
	turned bool             // rxvlan, off
	notes  map[int][]string // by queue: what could not be had
	again  pauses           // before sockets that are missing are tried for again
}

// SetInterfaces serves exactly these interfaces: the program is attached to new
// ones, taken off those that are gone, and follows what changed (an interface
// replaced under its name, switched on, another address or MAC address). It is to
// be called again after every change of the system's interfaces. An interface that cannot
// be served is named in the error; with xdp "auto" that is a logged warning
// instead. The others are served.
func (p *Path) SetInterfaces(picked []netif.Picked) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.off)
	if p.cfg.XDP == Off {
		return nil
	}
	var errs []error
	gone := maps.Clone(p.sides)
	for _, i := range picked {
		if have := p.sides[i.Name]; have != nil && have.picked.Index == i.Index {
			delete(gone, i.Name) // what the driver let change under the program, it goes on under
		}
	}
	for name := range gone {
		errs = append(errs, p.detach(name))
	}
	for _, i := range picked {
		errs = append(errs, p.serve(i, picked))
	}
	return errors.Join(errs...)
}

// serve attaches the program to one of the picked interfaces that has none yet,
// tells it what changed, and opens the sockets that are missing.
func (p *Path) serve(i netif.Picked, picked []netif.Picked) error {
	s := p.sides[i.Name]
	if s == nil {
		var err error
		if s, err = p.attach(i, picked); err != nil {
			return p.unserved(i, err)
		}
		p.sides[i.Name] = s
	} else if err := s.loaded.follow(i, picked); err != nil {
		return err
	}
	s.picked, s.again = i, pauses{}
	s.mac.Store(word(i.MAC))
	return p.look(s)
}

// look brings an interface up to date with what no message of the kernel tells
// of. One whose tags are hidden for good loses the program.
func (p *Path) look(s *side) error {
	if err := s.ask(); err != nil {
		return p.unserved(s.picked, errors.Join(err, p.detach(s.picked.Name)))
	}
	if p.features != nil {
		s.askLive(p.features)
	}
	p.openSockets(s)
	p.tell(s.picked.Name, s.active().String())
	return nil
}

// Tend looks after the interfaces between calls of SetInterfaces, in the same
// network namespace. It is to be called every second.
func (p *Path) Tend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, s := range p.sides {
		if err := p.look(s); err != nil {
			p.cfg.Log.Error("the fast path ends on this interface; kernel sockets serve it", "interface", name, "error", err)
		}
	}
}

// unserved is what becomes of an interface without the program: an error where
// it was asked for, else one warning, and the kernel's sockets serve.
func (p *Path) unserved(i netif.Picked, err error) error {
	what := err.Error()
	p.off[i.Name] = what
	if p.cfg.XDP != Auto {
		return err
	}
	if p.told[i.Name] != what {
		p.told[i.Name] = what
		p.cfg.Log.Warn("no fast path on this interface; kernel sockets serve it", "interface", i.Name, "reason", what)
	}
	return nil
}

// tell logs what an interface has, when that changed.
func (p *Path) tell(name, report string) {
	if p.told[name] == report {
		return
	}
	p.told[name] = report
	p.cfg.Log.Info("fast path", "interface", name, "has", report)
}

// detach takes the program off an interface. Its sockets close when the workers
// have given back what they hold.
func (p *Path) detach(name string) error {
	s := p.sides[name]
	delete(p.sides, name)
	delete(p.told, name)
	return s.close()
}

func (s *side) close() error {
	var errs []error
	if s.link != nil {
		errs = append(errs, s.link.Close())
	}
	for _, l := range s.legs {
		l.port.change(l, true)
	}
	if s.loaded != nil {
		errs = append(errs, s.loaded.Close())
	}
	return errors.Join(errs...)
}

func (s *side) note(queue int, what string) { s.notes[queue] = append(s.notes[queue], what) }

// openSockets gives every queue a socket, where AF_XDP is on. A queue without
// one is no error: the program passes its queries. It is tried for again, since
// who holds a queue, be it a worker of ours that still reads from a socket of
// before, lets go of it without a word.
func (p *Path) openSockets(s *side) {
	missing := slices.DeleteFunc(p.queuesOf(s), func(queue int) bool { return s.legs[queue] != nil })
	if len(p.ports) == 0 || len(missing) == 0 || !s.again.over() {
		return
	}
	for _, queue := range missing {
		s.notes[queue] = nil
		worker := queue % len(p.ports)
		open := func() error { return p.openSocket(s, queue, p.ports[worker]) }
		if err := near(p.CPU(worker), open); err != nil {
			s.note(queue, err.Error())
		}
	}
}

// queuesOf returns the queues of an interface that get sockets.
func (p *Path) queuesOf(s *side) (queues []int) {
	for q := range s.queues {
		queues = append(queues, q)
	}
	if len(p.cfg.Queues) > 0 {
		queues = slices.Clone(p.cfg.Queues)
	}
	return queues
}

func (p *Path) openSocket(s *side, queue int, port *Port) error {
	queries, replies := p.cfg.frames(len(p.queuesOf(s)))
	c := xsk.Config{
		IfIndex: s.picked.Index, Queue: queue,
		Frames: queries + replies, RingSize: 1 << bits.Len(uint(queries-1)), // at least as many, a power of two
		ZeroCopy: p.cfg.AFXDP == ZeroCopy && s.native,
	}
	socket, err := xsk.Open(c)
	if err != nil && c.ZeroCopy {
		s.note(queue, fmt.Sprintf("no zero-copy on queue %d (%v): the kernel copies", queue, err))
		c.ZeroCopy = false
		socket, err = xsk.Open(c)
	}
	if err != nil {
		return fmt.Errorf("no AF_XDP on queue %d: %w", queue, err)
	}
	l := newLeg(s, socket, queries, replies, port)
	if p.cfg.Send == Live {
		if l.outlet, err = newOutlet(s.loaded, queue, &s.live); err != nil {
			s.note(queue, fmt.Sprintf("no live frames from queue %d (%v): replies leave by its ring", queue, err))
		}
	}
	if err := s.loaded.sockets.Put(uint32(queue), uint32(socket.FD())); err != nil {
		l.close()
		return fmt.Errorf("no AF_XDP on queue %d: register its socket: %w", queue, err)
	}
	s.legs[queue] = l
	l.port.change(l, false)
	return nil
}
