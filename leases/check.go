package leases

import (
	"fmt"
	"net/netip"
	"slices"
)

// Check returns what Configure would refuse: what the tables cannot represent.
func Check(nets []Network) error {
	seen := map[uint32]bool{}
	for _, n := range nets {
		slots := uint64(chunkSlots)
		for _, sn := range n.Subnets {
			if seen[sn.ID] {
				return fmt.Errorf("subnet id %d is used twice", sn.ID)
			}
			seen[sn.ID] = true
			if !sn.Prefix.Addr().Is4() {
				return fmt.Errorf("subnet %d: %v is not an IPv4 prefix", sn.ID, sn.Prefix)
			}
			for _, p := range sn.Pools {
				if err := checkPool(sn, p); err != nil {
					return err
				}
				a, _ := toU32(p.First)
				b, _ := toU32(p.Last)
				slots += uint64(b-a) + 1 + chunkSlots
			}
		}
		if slots > 1<<31 {
			return fmt.Errorf("the pools of one network have %d addresses, at most 2^31", slots)
		}
		if err := checkOverlap(n); err != nil {
			return err
		}
	}
	return nil
}

func checkPool(sn Subnet, p Pool) error {
	if !p.First.Is4() || !p.Last.Is4() || p.Last.Less(p.First) {
		return fmt.Errorf("subnet %d: pool %v-%v is not a range of IPv4 addresses", sn.ID, p.First, p.Last)
	}
	if !sn.Prefix.Contains(p.First) || !sn.Prefix.Contains(p.Last) {
		return fmt.Errorf("subnet %d: pool %v-%v is not within %v", sn.ID, p.First, p.Last, sn.Prefix)
	}
	return nil
}

func checkOverlap(n Network) error {
	type span struct{ first, last netip.Addr }
	var all []span
	for _, sn := range n.Subnets {
		for _, p := range sn.Pools {
			all = append(all, span{p.First, p.Last})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.first.Compare(b.first) })
	for i := 1; i < len(all); i++ {
		if !all[i-1].last.Less(all[i].first) {
			return fmt.Errorf("pools %v-%v and %v-%v overlap", all[i-1].first, all[i-1].last, all[i].first, all[i].last)
		}
	}
	return nil
}
