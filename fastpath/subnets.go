package fastpath

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"

	"needletail/bpf"
)

// Subnets says which relationship a query belongs to, where there are several.
// A query that it does not decide is passed to user space.
type Subnets struct {
	Prefixes   map[netip.Prefix]int // of giaddr, else ciaddr; the longest wins
	Interfaces map[int]int          // by index, for queries with neither
}

// SetSubnets replaces the choice of the relationship whole. Leave out what is
// not certain: a prefix in which subnets of several relationships overlap, an
// interface whose subnet depends on the client's class.
func (p *Path) SetSubnets(s Subnets) error {
	box, err := ebpf.NewMap(p.spec.Maps["subnet_box"].Copy())
	if err != nil {
		return fmt.Errorf("make a map of subnets: %w", err)
	}
	defer box.Close() // the program's map holds it from now on
	put := func(k bpf.DhcpSubnetKey, relationship int) error {
		if relationship < 0 || relationship >= p.cfg.Relationships {
			return fmt.Errorf("no relationship %d", relationship)
		}
		return box.Put(k, uint32(relationship))
	}
	for prefix, relationship := range s.Prefixes {
		if !prefix.Addr().Is4() {
			return fmt.Errorf("%v is no IPv4 prefix", prefix)
		}
		a := prefix.Masked().Addr().As4()
		k := bpf.DhcpSubnetKey{PrefixLen: 32 + uint32(prefix.Bits()), Addr: binary.NativeEndian.Uint32(a[:])}
		if err := put(k, relationship); err != nil {
			return fmt.Errorf("tell the fast path of %v: %w", prefix, err)
		}
	}
	for index, relationship := range s.Interfaces {
		if err := put(bpf.DhcpSubnetKey{PrefixLen: 64, Ifindex: uint32(index)}, relationship); err != nil {
			return fmt.Errorf("tell the fast path of interface %d: %w", index, err)
		}
	}
	if err := p.maps.Subnets.Put(uint32(0), box); err != nil {
		return fmt.Errorf("replace the subnets: %w", err)
	}
	return nil
}
