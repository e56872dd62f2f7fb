package peer

import (
	"net/netip"
	"time"
)

// Setup is the network a server serves in a measurement. Every server of a
// comparison gets the same.
type Setup struct {
	Interface string
	Server    netip.Addr   // the server's own address
	Prefix    netip.Prefix // the one subnet, when Subnets is below 2
	First     netip.Addr   // of the pool
	Last      netip.Addr
	Lifetime  time.Duration
	Cache     float64 // cache-threshold; Kea 2.2 and needletail. 0: off
	Subnets   int     // more than 1: so many, of equal size, cut from Prefix
	Agents    int     // more than 0: the one subnet is reached through so many relays
	Spokes    int     // more than 0: so many relationships with partners that are gone, a subnet each
	Workers   int     // threads of the server; 0: 2
	HA        *Pair   // nil: a server alone

	// needletail only.
	Durability string // sync, os, none, Memory
	XDP        string // auto, native, generic, off
	AFXDP      string // on, off
	Send       string // ring, live
}

// Memory keeps no leases on disk (persist false), which leaves ports and engine.
const Memory = "memory"

// Pair makes a server one of two in load-balancing.
type Pair struct {
	Index int           // 0: server1, the primary; 1: server2, the secondary
	URLs  [2]string     // where each one's listener is
	Delay time.Duration // heartbeat-delay
	Dead  time.Duration // max-response-delay
	Ack   time.Duration // max-ack-delay
	// Unacked is max-unacked-clients.
	Unacked int
	// Mode is load-balancing if empty.
	Mode string
}

// severity of the log: needletail says at INFO how it receives and logs no
// query there; Kea would log every one.
func (s *Setup) severity() string {
	if s.Durability != "" {
		return "INFO"
	}
	return "WARN"
}

// Queues is how many queues the server's interface needs: one unless a number
// of workers is asked for.
func (s *Setup) Queues() int { return max(s.Workers, 1) }

func (s *Setup) workers() int {
	if s.Workers > 0 {
		return s.Workers
	}
	return 2
}
