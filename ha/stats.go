package ha

import "time"

// Stats is one relationship for metrics. Counters begin at 0 with the driver.
type Stats struct {
	Name           string // this server's in the relationship
	State, Partner State
	Interrupted    bool
	Parked         int64  // queries whose reply waits for a partner
	Overflowed     uint64 // queries refused beyond parked-packet-limit, or held too long
	Unsent         uint64 // queries whose changes the state kept from the partner
	Backlog        int    // updates queued in communication-recovery
	Peers          []PeerStats
}

// PeerStats counts the lease updates to one peer by outcome.
type PeerStats struct {
	Name                                 string
	Needletail                           bool // found to be one
	Updated, Conflicted, Failed, Dropped uint64
}

// Stats describes all relationships. It is nil while the driver closes.
func (d *Driver) Stats() []Stats {
	all := make([]Stats, len(d.links))
	err := d.do(func() {
		for i, l := range d.links {
			s := d.machine.Status(i, time.Now())
			all[i] = Stats{
				Name: l.conf.ThisServer, State: s.State, Partner: s.Partner, Interrupted: s.Interrupted,
				Parked: l.parked.Load(), Overflowed: l.overflowed.Load(),
				Unsent: d.machine.Unsent(i).Load(), Backlog: d.machine.Backlog(i).Len(), Peers: l.peerStats(),
			}
		}
	})
	if err != nil {
		return nil
	}
	return all
}

func (l *link) peerStats() []PeerStats {
	out := make([]PeerStats, len(l.peers))
	for i, p := range l.peers {
		out[i] = PeerStats{
			Name: p.name, Needletail: p.ability().batch(),
			Updated: p.sent.updated.Load(), Conflicted: p.sent.conflicted.Load(),
			Failed: p.sent.failed.Load(), Dropped: p.sent.dropped.Load(),
		}
	}
	return out
}
