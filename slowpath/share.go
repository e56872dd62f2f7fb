package slowpath

import (
	"needletail/internal/config"
	"needletail/leases"
)

// Two servers that balance load over one pool without a class for each would
// both take its first free address at the same moment. Kea has that race and
// asks for pools with classes; here each half of such a pool belongs to one
// server's clients as long as it has free addresses. Beyond that the partner's
// refusal of a lease update keeps an address from two clients.

// balanced returns the load-balancing relationship that serves a subnet, nil if
// there is none.
func (c *compiler) balanced(haServerName string) *config.Relationship {
	i := int(c.relationship(haServerName))
	if len(c.cfg.HA) == 1 {
		i = 0
	}
	if i < 0 || c.cfg.HA[i].Mode != config.LoadBalancing || len(c.cfg.HA[i].Active()) != 2 {
		return nil
	}
	return c.cfg.HA[i]
}

// split adds a pool to a subnet, in two halves if the two servers of r share
// it.
func (c *compiler) split(s *subnet, whole pool, r *config.Relationship, at config.Position) error {
	if r == nil || whole.guard != 0 || whole.first == whole.last {
		s.pools = append(s.pools, whole)
		return nil
	}
	s.shared = true
	low, high := whole, whole
	low.last = whole.first + (whole.last-whole.first)/2
	high.first = low.last + 1
	for i, half := range []pool{low, high} {
		var err error
		if half.share, err = c.plan.bits.guard([]string{classHA + r.Active()[i].Name}, at); err != nil {
			return err
		}
		s.pools = append(s.pools, half)
	}
	return nil
}

// sharesOf returns the pools of s that are first this client's: all it may use
// but the partner's halves.
func (x *exchange) sharesOf(s *subnet) leases.PoolMask {
	mask := x.emptyMask(len(s.pools))
	for i := range s.pools {
		if p := &s.pools[i]; p.guard.admits(x.classes) && p.share.admits(x.classes) {
			mask.Add(i)
		}
	}
	return mask
}
