package fastpath

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"needletail/bpf"
	"needletail/internal/netif"
)

// loaded is the program of one interface, and the maps that only it has.
type loaded struct {
	program *ebpf.Program
	sockets *ebpf.Map // by queue
	replies *ebpf.Map // repliesOfRing for each queue
	rings   *ebpf.Map // by queue
	exits   *ebpf.Map // the interface
	vlans   *ebpf.Map // with an interface of their own
	ours    *ebpf.Map // addresses
}

// program loads the program over the maps that all interfaces share, with a
// ring of replies for each of so many queues.
func (p *Path) program(queues int) (_ *loaded, err error) {
	spec, l := p.spec.Copy(), new(loaded)
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	spec.Maps["replies"].MaxEntries = uint32(max(queues*repliesOfRing, 1))
	spec.Maps["reply_rings"].MaxEntries = uint32(max(queues, 1))
	own := map[string]**ebpf.Map{
		"sockets": &l.sockets, "replies": &l.replies, "reply_rings": &l.rings, "exits": &l.exits,
		"vlans": &l.vlans, "addresses": &l.ours,
	}
	for name, m := range own {
		if *m, err = ebpf.NewMap(spec.Maps[name]); err != nil {
			return nil, fmt.Errorf("make the map %s of an interface: %w", name, err)
		}
	}
	var programs bpf.DhcpPrograms
	maps := p.maps.replacements()
	for name, m := range own {
		maps[name] = *m
	}
	err = spec.LoadAndAssign(&programs, &ebpf.CollectionOptions{MapReplacements: maps})
	if err != nil {
		return nil, explainLoad(err)
	}
	l.program = programs.Dhcp
	return l, nil
}

// follow tells the program what of its interface's frames is for this interface,
// one of the picked.
func (l *loaded) follow(i netif.Picked, picked []netif.Picked) error {
	var vlans bpf.DhcpVlanSet
	for id := range netif.VLANsServed(i.Index, picked) {
		vlans.Served[id/64] |= 1 << (id % 64)
	}
	if err := l.vlans.Put(uint32(0), vlans); err != nil {
		return fmt.Errorf("tell the fast path of %s its VLANs: %w", i.Name, err)
	}
	if err := l.own(addresses(i, picked)); err != nil {
		return fmt.Errorf("tell the fast path of %s its addresses: %w", i.Name, err)
	}
	return nil
}

// addresses are where queries by an interface may go: to those of its addresses
// that it is to serve, else to any of the picked interfaces'. A query to another
// one is on its way through, or user space's to judge.
func addresses(i netif.Picked, picked []netif.Picked) map[[4]byte]bool {
	set := make(map[[4]byte]bool)
	for _, a := range i.Only {
		set[a.As4()] = true
	}
	if len(i.Only) > 0 {
		return set
	}
	for _, other := range picked {
		for _, a := range other.Addresses {
			set[a.Addr().As4()] = true
		}
	}
	return set
}

// own makes the addresses of a program exactly these.
func (l *loaded) own(want map[[4]byte]bool) error {
	var errs []error
	var have [4]byte
	var known uint8
	var stale [][4]byte
	for it := l.ours.Iterate(); it.Next(&have, &known); {
		if !want[have] {
			stale = append(stale, have)
		}
	}
	for _, a := range stale {
		errs = append(errs, l.ours.Delete(a))
	}
	for a := range want {
		errs = append(errs, l.ours.Put(a, uint8(1)))
	}
	return errors.Join(errs...)
}

// Close unloads the program, where it is attached no more, and its maps.
func (l *loaded) Close() error {
	var errs []error
	if l.program != nil {
		errs = append(errs, l.program.Close())
	}
	for _, m := range []*ebpf.Map{l.sockets, l.replies, l.rings, l.exits, l.vlans, l.ours} {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}
