package netif

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Interface is one network interface as it was when it was listed.
type Interface struct {
	Name      string
	Index     int
	MAC       [6]byte // zero if it has none of six bytes
	MTU       int     // bytes
	Kind      string  // of rtnetlink: "veth", "vlan", "bridge", "bond", "tun", ...; "" for hardware
	Parent    int     // index of the interface below a VLAN or macvlan, of this namespace; else 0
	VLAN      uint16  // VLAN id of Kind "vlan"
	Master    int     // index of the bridge or bond it is part of; else 0
	Loopback  bool
	Ethernet  bool           // frames have Ethernet headers
	Up        bool           // switched on by the administrator
	Carrier   bool           // operational: has a link
	Broadcast bool           // can broadcast
	RxQueues  int            // as the driver allocated, which may be more than it uses
	Addresses []netip.Prefix // IPv4, with the prefix lengths of their networks, in the kernel's order
}

// Has reports whether addr is one of the interface's addresses.
func (i *Interface) Has(addr netip.Addr) bool {
	for _, p := range i.Addresses {
		if p.Addr() == addr {
			return true
		}
	}
	return false
}

// List returns all interfaces of the calling thread's network namespace with
// their IPv4 addresses, in order of index.
func List() ([]Interface, error) {
	links, err := retry(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	addrs, err := retry(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("list IPv4 addresses: %w", err)
	}
	all := make([]Interface, 0, len(links))
	for _, l := range links {
		all = append(all, describe(l, addrs))
	}
	return all, nil
}

// ByName returns one interface. The error of an absent one is ErrNoInterface.
func ByName(name string) (Interface, error) {
	all, err := List()
	if err != nil {
		return Interface{}, err
	}
	for _, i := range all {
		if i.Name == name {
			return i, nil
		}
	}
	return Interface{}, fmt.Errorf("%q: %w", name, ErrNoInterface)
}

// ErrNoInterface: no interface has that name.
var ErrNoInterface = errors.New("no such network interface")

// retry repeats a dump that the kernel marks as interrupted by a change.
func retry[T any](dump func() ([]T, error)) (got []T, err error) {
	const dumpsMax = 8 // tries; each lasts microseconds
	for range dumpsMax {
		if got, err = dump(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return got, err
}

func describe(l netlink.Link, addrs []netlink.Addr) Interface {
	a := l.Attrs()
	i := Interface{
		Name:      a.Name,
		Index:     a.Index,
		MTU:       a.MTU,
		Kind:      kind(l),
		Master:    a.MasterIndex,
		Loopback:  a.Flags&net.FlagLoopback != 0,
		Ethernet:  a.EncapType == "ether",
		Up:        a.Flags&net.FlagUp != 0,
		Carrier:   a.RawFlags&unix.IFF_LOWER_UP != 0,
		Broadcast: a.Flags&net.FlagBroadcast != 0,
		RxQueues:  a.NumRxQueues,
	}
	if len(a.HardwareAddr) == len(i.MAC) {
		copy(i.MAC[:], a.HardwareAddr)
	}
	// A veth's "parent" is its peer, in another namespace as a rule.
	if i.Kind == "vlan" || i.Kind == "macvlan" {
		i.Parent = a.ParentIndex
	}
	if v, ok := l.(*netlink.Vlan); ok {
		i.VLAN = uint16(v.VlanId)
	}
	i.Addresses = addressesOf(a.Index, addrs)
	return i
}

func kind(l netlink.Link) string {
	if l.Type() == "device" {
		return ""
	}
	return l.Type()
}

func addressesOf(index int, addrs []netlink.Addr) []netip.Prefix {
	var of []netip.Prefix
	for _, a := range addrs {
		if a.LinkIndex != index || a.IPNet == nil {
			continue
		}
		ip, ok := netip.AddrFromSlice(a.IP.To4())
		if !ok {
			continue
		}
		ones, _ := a.Mask.Size()
		of = append(of, netip.PrefixFrom(ip, ones))
	}
	return of
}
