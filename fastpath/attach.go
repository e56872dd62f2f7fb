package fastpath

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"needletail/internal/netif"
)

// nativeMTUMax is what most drivers take for a program that wants a frame in
// one page: 4096 bytes less headroom, Ethernet header and the kernel's notes.
const nativeMTUMax = 3498

// above are kinds of interface that lie above another one, where the driver is.
var above = map[string]string{
	"vlan":    "is a VLAN interface: serve its parent instead, the program reads the tags",
	"macvlan": "is a macvlan interface: serve its parent instead",
	"bridge":  "is a bridge: serve its member interfaces instead",
}

// attach loads the program for one of the picked interfaces and attaches it by a
// link, which the kernel takes off when the process ends.
func (p *Path) attach(i netif.Picked, picked []netif.Picked) (_ *side, err error) {
	if p.cfg.XDP != Generic {
		if why, ok := above[i.Kind]; ok {
			return nil, fmt.Errorf("attach XDP to %s: %s %s (or set xdp: generic)", i.Name, i.Name, why)
		}
	}
	if !i.Ethernet && !i.Loopback {
		return nil, fmt.Errorf("attach XDP to %s: its frames have no Ethernet header; kernel sockets serve it", i.Name)
	}
	s := &side{picked: i, native: p.cfg.XDP != Generic, legs: make(map[int]*leg), notes: make(map[int][]string)}
	defer func() {
		if err != nil {
			s.close() // nothing stays attached
			s.restore()
		}
	}()
	if err := s.ask(); err != nil {
		return nil, err
	}
	if err := p.fit(s, i); err != nil {
		return nil, err
	}
	if err := s.loaded.follow(i, picked); err != nil {
		return nil, err
	}
	flags := link.XDPDriverMode
	if !s.native {
		flags = link.XDPGenericMode
	}
	s.link, err = link.AttachXDP(link.XDPOptions{Program: s.loaded.program, Interface: i.Index, Flags: flags})
	if err != nil {
		return nil, explainAttach(i, s.device.Driver, err)
	}
	return s, nil
}

// ask asks the driver what it has now, and has it leave VLAN tags in frames: one
// that is hidden would make a query another network's. Queues with a socket the
// kernel keeps (ethtool -L refuses), so there can only be more.
func (s *side) ask() (err error) {
	if s.device, err = netif.Ethtool(s.picked.Name); err != nil {
		return err
	}
	if n := max(s.device.Queues, 1); n != s.queues {
		s.queues, s.again = n, pauses{}
	}
	if !s.device.RxVLANTake {
		return nil
	}
	if err := netif.TakeVLAN(s.picked.Name, false); err != nil {
		return fmt.Errorf("attach XDP to %s: its rxvlan offload hides VLAN tags: %w", s.picked.Name, err)
	}
	s.turned = true
	return nil
}

// restore takes back what ask turned off, of an interface that gets no program.
func (s *side) restore() {
	if s.turned {
		_ = netif.TakeVLAN(s.picked.Name, true) // the refusal of the program is the news
	}
}

// fit loads the program for an interface.
func (p *Path) fit(s *side, i netif.Picked) (err error) {
	if p.cfg.Send != Live {
		s.loaded, err = p.program(0)
		return err
	}
	if s.loaded, err = p.program(s.queues); err != nil {
		return err
	}
	if err := s.loaded.exits.Put(uint32(0), uint32(i.Index)); err != nil {
		return fmt.Errorf("attach XDP to %s: name it as the way out of live frames: %w", i.Name, err)
	}
	return nil
}

// explainAttach says what to do about a refusal.
func explainAttach(i netif.Picked, driver string, err error) error {
	why := ""
	switch {
	case errors.Is(err, unix.EBUSY):
		why = fmt.Sprintf("another program holds the hook (ip link show %s; ip link set dev %s xdp off)", i.Name, i.Name)
	case i.Kind == "bond":
		why = "a bond has native XDP only if all its members have: serve the members instead"
	case errors.Is(err, unix.EOPNOTSUPP) && i.MTU > nativeMTUMax:
		why = fmt.Sprintf("the driver %s has no native XDP (set xdp: generic), or none at an MTU of %d (ip link set dev %s mtu 1500)", either(driver, i.Kind), i.MTU, i.Name)
	case errors.Is(err, unix.EOPNOTSUPP):
		why = fmt.Sprintf("the driver %s has no native XDP (set xdp: generic)", either(driver, i.Kind))
	case i.MTU > nativeMTUMax:
		why = fmt.Sprintf("its MTU of %d is too large for native XDP (ip link set dev %s mtu 1500)", i.MTU, i.Name)
	case errors.Is(err, unix.EPERM):
		why = "CAP_NET_ADMIN is missing"
	case errors.Is(err, unix.ENODEV):
		why = "the interface is gone"
	default:
		why = "see the kernel's log (dmesg) for the driver's reason"
	}
	return fmt.Errorf("attach XDP to %s: %s: %w", i.Name, why, err)
}
