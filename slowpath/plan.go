package slowpath

import (
	"net/netip"
	"time"

	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/leases"
)

// plan is a configuration compiled for one purpose: to answer a query with
// lookups and copies. Nothing in it changes once it is published.
type plan struct {
	networks []*network
	subnets  []*subnet // sorted by ID, which is the order of selection (Kea: cfg_subnets4)
	bits     classBits

	byRelay   map[frame.IP][]*subnet // giaddr to the subnets that name it as their relay
	byPrefix  []prefixTable
	byIndex   map[int]*iface
	serverIDs map[frame.IP]bool // every server identifier a client may have from us

	checks        leases.LeaseChecks
	relationships int
	probation     uint32 // s
	affinity      time.Duration
	offerHold     time.Duration
	echoClientID  bool
	udp           bool // sockets cannot send to an address nobody has yet
	routed        bool // replies to relays follow the routing table
	authoritative bool // of the global level: where no subnet was found (Kea: dhcp4_srv.cc, assignLease)
}

// network is a shared network or a subnet that stands alone.
type network struct {
	index   int // in plan and store
	subnets []*subnet
}

// subnet is one subnet with all that a reply from it needs.
type subnet struct {
	id            uint32
	index         int // in the network
	net           *network
	addr, mask    uint32
	guards        [2]classSet // the network's and its own; a client must pass both
	pools         []pool
	guarded       bool   // some pool has a guard
	shared        bool   // some pool is shared with a load-balancing partner: halves have shares
	chain         *chain // options outside pools
	life          lifetimes
	cacheFraction float64 // of the lifetime; 0: off
	cacheMaxAge   uint32  // s; 0: no bound
	siaddr        frame.IP
	sname, file   string
	authoritative bool
	matchClientID bool
	extended      bool  // store-extended-info
	relationship  int16 // by ha-server-name; -1: none
}

// pool is a range of addresses, both ends included.
type pool struct {
	id          uint32 // pool-id
	first, last uint32
	guard       classSet
	share       classSet // whose clients are given its addresses first; none: everybody's alike
	chain       *chain
}

// iface is an interface as selection and identifiers need it.
type iface struct {
	addr    frame.IP  // first address: source and server identifier of replies to broadcasts
	subnets []*subnet // that name this interface
}

// prefixTable finds the subnets of one prefix length.
type prefixTable struct {
	mask uint32
	at   map[uint32][]*subnet // sorted by ID
}

func (s *subnet) contains(a uint32) bool { return a&s.mask == s.addr }

// admits tells whether a client of these classes may use the subnet.
func (s *subnet) admits(q classSet) bool { return s.guards[0].admits(q) && s.guards[1].admits(q) }

// poolOf returns the index of the pool that holds a, -1 if none does.
func (s *subnet) poolOf(a uint32) int {
	for i := range s.pools {
		if a >= s.pools[i].first && a <= s.pools[i].last {
			return i
		}
	}
	return -1
}

// allows tells whether a lies in a pool that a client of these classes may use.
func (s *subnet) allows(a uint32, q classSet) bool {
	i := s.poolOf(a)
	return i >= 0 && s.pools[i].guard.admits(q)
}

// containing returns the subnet with the smallest ID above after whose prefix
// holds a, or nil. Called in a loop it visits them all in order.
func (p *plan) containing(a uint32, after uint32) *subnet {
	var best *subnet
	for i := range p.byPrefix {
		t := &p.byPrefix[i]
		for _, s := range t.at[a&t.mask] {
			if s.id > after && (best == nil || s.id < best.id) {
				best = s
				break
			}
		}
	}
	return best
}

// leased describes the plan's addresses to the store, index for index.
func (p *plan) leased() []leases.Network {
	nets := make([]leases.Network, len(p.networks))
	for i, n := range p.networks {
		for _, s := range n.subnets {
			nets[i].Subnets = append(nets[i].Subnets, s.leased())
		}
	}
	return nets
}

func (s *subnet) leased() leases.Subnet {
	out := leases.Subnet{ID: s.id, Prefix: netip.PrefixFrom(netAddr(s.addr), prefixLen(s.mask))}
	for _, p := range s.pools {
		out.Pools = append(out.Pools, leases.Pool{ID: p.id, First: netAddr(p.first), Last: netAddr(p.last)})
	}
	return out
}

func (p *plan) times() leases.Times {
	return leases.Times{Offer: p.offerHold, Affinity: p.affinity}
}

// compile turns a checked configuration into a plan. Errors name their place.
func compile(cfg *config.Dhcp4, ifs []Interface) (*plan, error) {
	c := compiler{cfg: cfg, plan: &plan{
		byRelay:   map[frame.IP][]*subnet{},
		byIndex:   map[int]*iface{},
		serverIDs: map[frame.IP]bool{},
	}}
	return c.run(ifs)
}
