package ha

import "sync/atomic"

// Action is what happens to a query's lease changes with respect to the
// active partner.
type Action uint8

// Actions.
const (
	Ignore Action = iota // there is no partner, or send-lease-updates is false: nothing at all
	Send                 // send, and hold the client's answer until the partner has answered
	Queue                // put into the backlog, hold nothing
	Count                // add one to the unsent counter, hold nothing
	Refuse               // the answer must not leave: the query began before we stopped serving
)

// Policy is what the present state wants done with lease changes. It is a
// value: the driver publishes it by one atomic store, workers read it per
// batch of queries.
type Policy struct {
	Partner Action // towards the active partner
	Backups bool   // send to backups too
	Wait    bool   // hold the client's answer for the backups as well
	Alone   bool   // we give addresses away, or gave, of which the partner has not heard
	Keeps   bool   // and the partner gave none away of which we have not: see Stays
	Yields  bool   // we gave none away alone, and the partner serves alone: see Cedes
}

// serving adapts a policy to what is served. A query whose changes get here
// when its server has gone silent is not answered: the partner serves or is
// about to read our leases, and would miss this one. Kea answers it.
func (p Policy) serving(on bool) Policy {
	if p.Partner == Count && !on {
		p.Partner = Refuse
	}
	return p
}

// policy decides by state (Kea: ha_service.cc, shouldQueueLeaseUpdates and
// shouldSendLeaseUpdates). feeding is ours: a needletail partner that syncs
// from us by stream is sent every change, whatever our state.
func (s *Settings) policy(own State, feeding bool) Policy {
	if !s.SendUpdates {
		return Policy{}
	}
	p := Policy{Backups: true, Wait: s.WaitBackup}
	p.Alone = s.Partner != "" && (own == PartnerDown || own == Terminated)
	switch {
	case s.Partner == "":
	case own == CommunicationRecovery:
		p.Partner = Queue
	case feeding, own == LoadBalancing, own == HotStandby, own == PartnerInMaintenance:
		p.Partner = Send
	default:
		p.Partner = Count
	}
	return p
}

// Unsent counts the queries whose lease changes the partner was not sent
// because of our state (Kea: communication_state.cc, increaseUnsentUpdateCount).
// Any goroutine may use it. It is 0 only while nothing was ever left unsent.
type Unsent struct{ n atomic.Uint64 }

// Add counts queries left unsent; 0 is skipped when the counter wraps.
func (u *Unsent) Add(queries int) {
	if queries <= 0 {
		return
	}
	old := u.n.Add(uint64(queries)) - uint64(queries)
	if old+uint64(queries) < old { // wrapped
		u.n.Add(1)
	}
}

// Load returns the count, as a heartbeat reports it.
func (u *Unsent) Load() uint64 { return u.n.Load() }
