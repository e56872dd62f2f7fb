package slowpath

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"needletail/internal/frame"
	"needletail/internal/netif"
)

// PortOptions says what kernel ports serve.
type PortOptions struct {
	Interfaces []netif.Picked
	Workers    int // ports to open; 0: 1
	InFlight   int // PumpOptions.InFlight of the pumps on these ports
	Queries    int // received queries a port holds at once, 0: enough for a pump's defaults; 2 KiB each
	Replies    int // reply buffers of a port, 0: enough for a pump of InFlight; 1.5 KiB each

	// ServerPort is another UDP port than 67 to listen on, for tests; OpenUDP
	// only. The worker sees 67 all the same.
	ServerPort uint16

	// Routing opens one more UDP socket, for replies whose interface the kernel
	// chooses (Destination.IfIndex 0).
	Routing bool
}

// Ports is a set of kernel ports over the same interfaces, one for each worker.
// A client's queries always meet the same worker with raw ports, and any with
// UDP, where the workers share one socket for an interface: the kernel gives a
// copy of a broadcast to every socket there is.
//
// All methods may be called from any goroutine, but the thread decides which
// network namespace OpenRaw, OpenUDP and SetInterfaces see.
type Ports struct {
	raw        bool
	server     uint16 // UDP port
	ports      []*kernelPort
	neighbours *netif.Neighbours
	routed     *socket // nil without Routing

	mu    sync.Mutex    // guards what follows
	sides map[int]*side // by interface index
	drops uint64        // of sockets, up to the last look
}

// OpenRaw opens packet sockets on the interfaces. Replies leave as frames with
// complete headers; those whose neighbour must be resolved first leave by UDP.
func OpenRaw(o PortOptions) (*Ports, error) {
	neighbours, err := netif.OpenNeighbours()
	if err != nil {
		return nil, err
	}
	return open(&Ports{raw: true, server: frame.ServerPort, neighbours: neighbours}, rawMedium{neighbours}, o)
}

// OpenUDP opens UDP sockets on the interfaces.
func OpenUDP(o PortOptions) (*Ports, error) {
	if o.ServerPort == 0 {
		o.ServerPort = frame.ServerPort
	}
	return open(&Ports{server: o.ServerPort}, udpMedium{}, o)
}

func open(s *Ports, m medium, o PortOptions) (_ *Ports, err error) {
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	setDefault(&o.Workers, 1)
	setDefault(&o.Queries, BacklogMax+besides)
	setDefault(&o.InFlight, InFlightMax)
	setDefault(&o.Replies, o.InFlight+BatchMax+1)
	s.sides = make(map[int]*side)
	if o.Routing {
		fd, err := openUDP("", s.server, true)
		if err != nil {
			return nil, err
		}
		s.routed = newSocket(fd)
	}
	for range o.Workers {
		p, err := newKernelPort(m, &o)
		if err != nil {
			return nil, err
		}
		p.routed = s.routed
		s.ports = append(s.ports, p)
	}
	return s, s.SetInterfaces(o.Interfaces)
}

// Worker returns the port of worker i. Its pump closes it.
func (s *Ports) Worker(i int) Port { return s.ports[i] }

// Workers returns the number of ports.
func (s *Ports) Workers() int { return len(s.ports) }

// SetInterfaces makes the ports serve exactly these interfaces. Those that stay
// keep their sockets and lose nothing. An interface that cannot be opened is
// left out and named in the error; the others are served, and calling again
// tries again.
func (s *Ports) SetInterfaces(picked []netif.Picked) error {
	all, err := netif.List()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for index, sd := range s.sides {
		if !slices.ContainsFunc(picked, func(p netif.Picked) bool { return p.Index == index && p.Name == sd.link.Name }) {
			s.end(sd)
		}
	}
	var errs []error
	for _, p := range picked {
		if err := s.serve(p, picked, all); err != nil {
			errs = append(errs, fmt.Errorf("serve interface %s: %w", p.Name, err))
		}
	}
	return errors.Join(errs...)
}

// serve opens an interface if it is new and tells every worker its legs.
func (s *Ports) serve(p netif.Picked, picked []netif.Picked, all []netif.Interface) error {
	if s.raw && !p.Ethernet {
		return errors.New("not an Ethernet interface; dhcp-socket-type udp can serve it")
	}
	sd := s.sides[p.Index]
	if sd == nil {
		var err error
		if sd, err = s.begin(p); err != nil {
			return err
		}
		s.sides[p.Index] = sd
	}
	sd.link = p
	for i, port := range s.ports {
		l := sd.leg(i)
		l.local = localAddresses(&p, all)
		l.skip = netif.VLANsServed(p.Index, picked)
		port.change(change{leg: l, add: true})
	}
	return nil
}

// Close closes what the ports share. Ports that belong to a pump are closed by
// it, before; the rest are closed here.
func (s *Ports) Close() error {
	var errs []error
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.ports {
		errs = append(errs, p.Close())
	}
	for index, sd := range s.sides {
		sd.close()
		delete(s.sides, index)
	}
	if s.routed != nil {
		s.routed.close()
		s.routed = nil
	}
	if s.neighbours != nil {
		s.neighbours.Close()
	}
	return errors.Join(errs...)
}
