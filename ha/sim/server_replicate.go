package sim

import (
	"slices"

	"needletail/ha"
)

// replicate does with a lease change what the policy says; done gets false
// when the client must not be answered.
func (s *server) replicate(u ha.Update, done func(ok bool)) {
	who := ha.ClientKey{ID: string(u.Lease.ClientID)}
	waits := 1
	good := true
	finish := func(ok bool) {
		good = good && ok
		if waits--; waits == 0 {
			done(good)
		}
	}
	pol := s.policy
	if pol.Partner == ha.Refuse && (s.c.Mutation == ServeUnready || s.loud) {
		pol.Partner = ha.Count
	}
	switch pol.Partner {
	case ha.Queue:
		if s.m.Backlog(s.rel).Push(u) {
			s.partner().lacks()
			break
		}
		fallthrough // it has just been emptied
	case ha.Send:
		if s.c.overdue() {
			good = false
			break
		}
		early := s.c.Mutation == AckEarly
		if !early {
			waits++
		}
		s.send(s.partner(), u, func(result int) {
			switch result {
			case updated:
				s.step(ha.UpdatesDone{Accepted: []ha.ClientKey{who}})
			case contested:
			case conflicted:
				s.step(ha.UpdatesDone{Rejected: []ha.ClientKey{who}})
			default:
				s.step(ha.UpdatesDone{Err: "lease update failed"})
			}
			if !early {
				finish(result == updated)
			}
		})
	case ha.Refuse:
		good = false
	case ha.Count:
		s.partner().lacks()
		s.unsent++
		if s.c.Mutation != NeverCount && !s.kea() {
			s.m.Unsent(s.rel).Add(1)
		}
	}
	if pol.Backups {
		for _, p := range s.c.servers {
			if p != s && slices.ContainsFunc(s.settings.Peers, func(x ha.Peer) bool { return x.Name == p.name && x.Role == ha.RoleBackup }) {
				if pol.Wait {
					waits++
				}
				s.send(p, u, func(result int) {
					if pol.Wait {
						finish(result == updated)
					}
				})
			}
		}
	}
	finish(true)
}

// overdue is true for an update that has waited so long for its turn that it is
// not sent, and its client not answered: the partner is slower than the clients.
func (c *Cluster) overdue() bool { return c.Chained && c.troubled() && c.world.chance(2) }

// Outcomes of a lease update.
const (
	updated = iota
	conflicted
	contested
	failed
)

// send gives a change to a peer.
func (s *server) send(p *server, u ha.Update, done func(result int)) {
	sent := s.clock()
	s.c.call(s, p, requestTimeout, func(reply func(any)) { p.update(s, u, sent, reply) }, func(a any, err string) {
		if err != "" {
			done(failed)
			return
		}
		done(a.(int))
	})
}

// drain sends the backlog, one update after the other.
func (s *server) drain(from ha.Drain) {
	one := make([]ha.Update, 1)
	if from.Peek(one) == 0 {
		err := ""
		if !from.Seal() {
			err = "overflow"
		} else {
			s.partner().behind = false
		}
		s.step(ha.BacklogDone{Err: err})
		return
	}
	if _, again := s.live.leases[one[0].Lease.Addr]; again && one[0].Delete { // withoutStale is the original
		from.Drop(1)
		s.drain(from)
		return
	}
	s.send(s.partner(), one[0], func(result int) {
		if result != updated {
			s.step(ha.BacklogDone{Err: "the partner refuses"})
			return
		}
		from.Drop(1)
		s.drain(from)
	})
}

// lacks notes that the partner has just promised a lease without us.
func (s *server) lacks() { s.behind, s.behindAt = true, s.c.world.now }
