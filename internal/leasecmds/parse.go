package leasecmds

import (
	"math"
	"net/netip"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/leases"
)

// parseLease reads the lease of lease4-add and lease4-update and fills in what
// Kea fills in: the subnet by address where subnet-id is 0 or absent, and the
// subnet's lifetime (Kea: lease_parser.cc, Lease4Parser::parse).
func (c commands) parseLease(args *control.Arguments) (*leases.KeaLease, error) {
	fields := args.Map()
	if err := args.Err(); err != nil {
		return nil, err
	}
	l, err := leases.ParseKea(fields, c.Now())
	if err != nil {
		return nil, err
	}
	s := c.subnet(l.SubnetID)
	switch {
	case l.SubnetID == 0:
		if s = c.subnetOf(l.Addr); s == nil {
			return nil, conflictf("subnet-id not specified and failed to find a subnet for address %s", l.Addr)
		}
		l.SubnetID = s.ID
	case s == nil:
		return nil, conflictf("invalid subnet-id: no IPv4 subnet with subnet-id=%d is configured", l.SubnetID)
	case !s.Prefix.Contains(l.Addr):
		return nil, conflictf("the address %s does not belong to subnet %s, subnet-id=%d", l.Addr, s.Prefix, s.ID)
	}
	if !l.HasValidLft {
		useDefault(&l, s)
	}
	return &l, nil
}

// useDefault gives a lease without valid-lft the subnet's. An expire given
// with it then tells when the lifetime began.
func useDefault(l *leases.KeaLease, s *config.Subnet) {
	l.ValidLft = uint32(min(s.Lifetime.Default/time.Second, math.MaxUint32))
	if l.HasTime {
		l.CLTT = l.CLTT.Add(-time.Duration(l.ValidLft) * time.Second)
	}
}

// subnet returns the configured subnet with an id, nil if there is none.
func (c commands) subnet(id uint32) *config.Subnet {
	for _, s := range c.Config().Subnets {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func (c commands) subnetOf(a netip.Addr) *config.Subnet {
	for _, s := range c.Config().Subnets {
		if s.Prefix.Contains(a) {
			return s
		}
	}
	return nil
}
