package slowpath

import (
	"net/netip"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
	"needletail/internal/netif"
)

// leg is a worker's part of one interface: its sockets, and what it may answer
// there. A leg never changes; a change of the interface replaces it.
type leg struct {
	link    netif.Picked
	in      *socket               // queries come here; replies of the raw port leave here
	udp     *socket               // datagrams leave here
	local   map[frame.IP]struct{} // addresses of this host to be served, and directed broadcasts
	skip    map[uint16]struct{}   // VLAN ids that another leg serves
	refused []uint32              // scratch of the port
}

// socket is a file descriptor with several users, in several workers. The last
// one closes it.
type socket struct {
	fd    int
	users atomic.Int32
}

func newSocket(fd int) *socket {
	s := &socket{fd: fd}
	s.users.Store(1)
	return s
}

func (s *socket) use() *socket {
	s.users.Add(1)
	return s
}

func (s *socket) close() {
	if s.users.Add(-1) == 0 {
		unix.Close(s.fd)
	}
}

func (l *leg) close() {
	l.in.close()
	l.udp.close()
}

// shared tells whether other workers read from the same socket.
func (l *leg) shared() bool { return l.in == l.udp }

// serves tells whether a query is for this host. A router with this program on
// it forwards relayed queries to other servers, and those are not ours.
func (l *leg) serves(link *frame.Link) bool {
	if tag := link.Tags[0]; tag.TPID != 0 && len(l.skip) > 0 {
		if _, other := l.skip[tag.TCI&0xfff]; other {
			return false
		}
	}
	if link.Dst == frame.BroadcastIP {
		return true
	}
	_, ok := l.local[link.Dst]
	return ok
}

// localAddresses collects where queries to this host may be sent: its own
// addresses on any interface (an address on loopback is a common one for
// relays), or only those asked for, and the directed broadcasts of this one.
func localAddresses(at *netif.Picked, all []netif.Interface) map[frame.IP]struct{} {
	set := make(map[frame.IP]struct{})
	for _, p := range at.Addresses {
		if b, ok := directedBroadcast(p); ok {
			set[b] = struct{}{}
		}
	}
	if len(at.Only) > 0 {
		for _, a := range at.Only {
			set[a.As4()] = struct{}{}
		}
		return set
	}
	for _, i := range all {
		for _, p := range i.Addresses {
			set[p.Addr().As4()] = struct{}{}
		}
	}
	return set
}

func directedBroadcast(p netip.Prefix) (frame.IP, bool) {
	if p.Bits() > 30 {
		return frame.IP{}, false
	}
	ip := frame.IP(p.Addr().As4())
	for bit := p.Bits(); bit < 32; bit++ {
		ip[bit/8] |= 0x80 >> (bit % 8)
	}
	return ip, true
}

// applyChanges takes legs over that came or went since the last time.
func (p *kernelPort) applyChanges() {
	p.mu.Lock()
	changes := p.pending
	p.pending = nil
	p.mu.Unlock()
	for _, c := range changes {
		if c.add {
			p.addLeg(c.leg)
		} else {
			p.removeLeg(c.leg)
		}
	}
}

// addLeg makes the port use l, in place of the leg it may have on the same
// sockets.
func (p *kernelPort) addLeg(l *leg) {
	fd := int32(l.in.fd)
	if old := p.socket[fd]; old != nil {
		defer old.close()
	} else if err := p.watch(l.in.fd, watchFlags(l)); err != nil {
		l.close() // out of memory for poll sets; replies will be counted as unroutable
		return
	}
	p.legs[l.link.Index] = l
	p.socket[fd] = l
	if len(p.events) <= len(p.socket) {
		p.events = make([]unix.EpollEvent, 2*len(p.socket))
	}
}

func watchFlags(l *leg) uint32 {
	if l.shared() {
		return unix.EPOLLEXCLUSIVE // one worker is woken for a query, not all
	}
	return 0
}

// removeLeg ends the use of the sockets of a leg.
func (p *kernelPort) removeLeg(gone *leg) {
	fd := int32(gone.in.fd)
	l := p.socket[fd]
	if l == nil {
		return
	}
	// Closing a shared socket does not take it out of the set.
	_ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, l.in.fd, nil)
	delete(p.socket, fd)
	if p.legs[l.link.Index] == l {
		delete(p.legs, l.link.Index)
	}
	l.close()
}
