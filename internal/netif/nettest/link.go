package nettest

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Veth connects two namespaces by a veth pair, both ends up. An end gets one
// receive queue, or queues if given.
func (l *Lab) Veth(a *Namespace, nameA string, b *Namespace, nameB string, queues ...int) error {
	q := 1
	if len(queues) > 0 {
		q = queues[0]
	}
	err := a.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = nameA
		attrs.NumTxQueues, attrs.NumRxQueues = q, q
		return netlink.LinkAdd(&netlink.Veth{
			LinkAttrs:       attrs,
			PeerName:        nameB,
			PeerNamespace:   netlink.NsFd(b.ns),
			PeerNumTxQueues: uint32(q),
			PeerNumRxQueues: uint32(q),
		})
	})
	if err != nil {
		return fmt.Errorf("make veth pair %s-%s: %w", nameA, nameB, err)
	}
	if err := a.SetUp(nameA, true); err != nil {
		return err
	}
	return b.SetUp(nameB, true)
}

// Borrow takes an interface out of the process's own namespace, under another name
// and up, and gives it back, down, when the lab closes.
func (l *Lab) Borrow(ifname string, to *Namespace, as string) error {
	home, err := netns.Get()
	if err != nil {
		return fmt.Errorf("borrow %s: %w", ifname, err)
	}
	if err := hand(ifname, as, to.ns); err != nil {
		home.Close()
		return fmt.Errorf("borrow %s: %w", ifname, err)
	}
	back := func() error {
		defer home.Close()
		if err := to.Do(func() error { return hand(as, ifname, home) }); err != nil {
			return fmt.Errorf("give back %s, which is %s in %s: %w", ifname, as, to.Name, err)
		}
		return nil
	}
	if err := l.later(back); err != nil {
		return err
	}
	return to.SetUp(as, true)
}

// hand moves an interface of the thread's namespace to another one.
func hand(ifname, as string, to netns.NsHandle) error {
	link, err := netlink.LinkByName(ifname)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetDown(link); err != nil { // one that is up keeps its name
		return err
	}
	if err := netlink.LinkSetName(link, as); err != nil {
		return err
	}
	return netlink.LinkSetNsFd(link, int(to))
}

// Vlan makes a VLAN interface on top of another, up.
func (n *Namespace) Vlan(parent, name string, id int) error {
	err := n.link(parent, func(p netlink.Link) error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.ParentIndex = name, p.Attrs().Index
		return netlink.LinkAdd(&netlink.Vlan{LinkAttrs: attrs, VlanId: id, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q})
	})
	if err != nil {
		return err
	}
	return n.SetUp(name, true)
}

// SetUp switches an interface on or off.
func (n *Namespace) SetUp(ifname string, up bool) error {
	return n.link(ifname, func(l netlink.Link) error {
		if up {
			return netlink.LinkSetUp(l)
		}
		return netlink.LinkSetDown(l)
	})
}

// Address adds an address in CIDR notation to an interface.
func (n *Namespace) Address(ifname, cidr string) error {
	addr, err := netlink.ParseAddr(cidr)
	if err != nil {
		return fmt.Errorf("add an address to %s: %w", ifname, err)
	}
	return n.link(ifname, func(l netlink.Link) error { return netlink.AddrAdd(l, addr) })
}

// Delete removes an interface; of a veth pair both ends.
func (n *Namespace) Delete(ifname string) error {
	return n.link(ifname, netlink.LinkDel)
}

func (n *Namespace) link(ifname string, f func(netlink.Link) error) error {
	err := n.Do(func() error {
		l, err := netlink.LinkByName(ifname)
		if err != nil {
			return err
		}
		return f(l)
	})
	if err != nil {
		return fmt.Errorf("interface %s in %s: %w", ifname, n.Name, err)
	}
	return nil
}

// DefaultRoute sends what has no better route out of an interface, as if every
// address were a neighbour.
func (n *Namespace) DefaultRoute(ifname string) error {
	return n.link(ifname, func(l netlink.Link) error {
		everything := &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: everything, Scope: netlink.SCOPE_LINK})
	})
}

// Neighbour enters an address into the neighbour table for good.
func (n *Namespace) Neighbour(ifname string, ip net.IP, mac net.HardwareAddr) error {
	return n.link(ifname, func(l netlink.Link) error {
		return netlink.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, IP: ip, HardwareAddr: mac, State: netlink.NUD_PERMANENT})
	})
}
