package slowpath

import (
	"needletail/internal/frame"
	"needletail/leases"
)

// exchange is one query being answered: what was found out so far. It belongs
// to a Worker and is overwritten by the next query.
type exchange struct {
	plan    *plan
	q       *frame.Query
	now     int64 // unix s
	msg     message
	verdict Verdict
	classes classSet
	sub     *subnet // selected, later the one of the lease; nil: none
	src     frame.IP
	who     leases.Client
	id      []byte // option 61; who.ID is this or nil, by subnet
	mask    leases.PoolMask
	names   names
	room    []byte // scratch of context
	context []byte // user context for the lease, nil without
	got     holding
}

// holding is an address given or offered to the client.
type holding struct {
	addr  uint32
	valid uint32 // s, as told to the client
}

// begin notes who asks and where the query came in.
func (x *exchange) begin() {
	m := &x.msg
	x.id = m.clientID()
	x.who = leases.Client{HType: m.raw[offHType], HLen: m.raw[offHLen]}
	copy(x.who.HW[:], m.hw())
	x.src = x.local()
	x.names.read(m)
	x.context = nil
}

// local is our address on the interface: the one the query was sent to, or,
// if it was broadcast, the interface's first.
func (x *exchange) local() frame.IP {
	if dst := x.q.Link.Dst; x.plan.serverIDs[dst] {
		return dst
	}
	if i := x.plan.byIndex[x.q.IfIndex]; i != nil {
		return i.addr
	}
	return anyAddress
}

// serverID is what option 54 of the reply says: what the relay asks for (RFC
// 5107), what the configuration says, our address.
func (x *exchange) serverID(c *chain) frame.IP {
	if x.msg.agent.override != anyAddress {
		return x.msg.agent.override
	}
	if c != nil && c.serverID != anyAddress {
		return c.serverID
	}
	return x.src
}

// forUs tells whether the server identifier of the query, if any, is ours
// (Kea: dhcp4_srv.cc, acceptServerId).
func (x *exchange) forUs() bool {
	if !x.msg.seen.has(optServerID) {
		return true
	}
	id := x.msg.addrOption(optServerID)
	return x.plan.serverIDs[id] || id == x.msg.agent.override
}

// as makes who the client as subnet s knows clients. One without a hardware
// address has nothing but its identifier.
func (x *exchange) as(s *subnet) *leases.Client {
	x.who.ID = nil
	if s.matchClientID || x.who.HLen == 0 {
		x.who.ID = x.id
	}
	return &x.who
}

// next returns the subnet to try after s: those of the network in the order of
// the configuration, beginning with first, that admit the client; nil at the
// end (Kea: Subnet4::getNextSubnet).
func (x *exchange) next(first, s *subnet) *subnet {
	all := first.net.subnets
	for i := 1; i <= len(all); i++ {
		n := all[(s.index+i)%len(all)]
		if n == first {
			return nil
		}
		if n.admits(x.classes) {
			return n
		}
	}
	return nil
}

// poolsOf returns the pools of s the client may use, nil for all.
func (x *exchange) poolsOf(s *subnet) leases.PoolMask {
	if !s.guarded {
		return nil
	}
	mask := x.emptyMask(len(s.pools))
	for i := range s.pools {
		if s.pools[i].guard.admits(x.classes) {
			mask.Add(i)
		}
	}
	return mask
}

// emptyMask is a mask for so many pools, valid until the next one.
func (x *exchange) emptyMask(pools int) leases.PoolMask {
	words := (pools + 63) / 64
	for len(x.mask) < words {
		x.mask = append(x.mask, 0)
	}
	mask := x.mask[:words]
	mask.Clear()
	return mask
}

// chainOf returns the options for an address in s; 0 for no address.
func (s *subnet) chainOf(addr uint32) *chain {
	if i := s.poolOf(addr); i >= 0 {
		return s.pools[i].chain
	}
	return s.chain
}
