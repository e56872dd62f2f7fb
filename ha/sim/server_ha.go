package sim

import (
	"net/netip"
	"slices"
	"time"

	"needletail/ha"
	"needletail/leases"
)

const requestTimeout = 10 * time.Second // Kea: config/timeouts.h

func (s *server) partner() *server { return s.c.byName[s.settings.Partner] }

func (s *server) heartbeat(timeout time.Duration) {
	p := s.partner()
	s.c.call(s, p, timeout, func(reply func(any)) {
		st := p.m.Status(0, p.clock())
		reply(ha.HeartbeatDone{State: st.State, Time: p.clock().Truncate(time.Second), Scopes: st.Scopes, Unsent: p.m.Unsent(0).Load()})
	}, func(a any, err string) {
		if err != "" {
			s.step(ha.HeartbeatDone{Err: err})
			return
		}
		s.step(a.(ha.HeartbeatDone))
	})
}

// command sends a command that the partner's machine answers.
func (s *server) command(in func(uint64) ha.Input, done func(ha.Answer, string)) {
	p := s.partner()
	s.c.call(s, p, requestTimeout, func(reply func(any)) {
		p.ask(in, func(a ha.Answer) { reply(a) })
	}, func(a any, err string) {
		answer, _ := a.(ha.Answer)
		if err == "" && answer.Result != 0 {
			err = answer.Text
		}
		done(answer, err)
	})
}

func (s *server) notify(e ha.SendMaintenance) {
	s.command(func(t uint64) ha.Input { return ha.MaintenanceNotify{Token: t, Cancel: e.Cancel, State: e.State} },
		func(a ha.Answer, err string) {
			if err != "" && a.Result == 0 {
				a.Result = 1 // a transport error
			}
			s.step(ha.MaintenanceDone{Result: a.Result, Silent: err != "", Err: err, State: a.State})
		})
}

// page is what one request of a sync brings.
type page struct {
	leases []leases.Lease
	last   bool
}

// sync fetches the partner's leases: as from a Kea, page by page, the partner
// silent meanwhile; or as a stream, the partner sending every change meanwhile.
func (s *server) sync(id uint64) {
	s.syncID, s.touched = id, map[netip.Addr]bool{}
	s.landed(id)
}

// landed begins once no own change waits for the partner's answer: it might be
// refused, and would until then pass for newer than what the partner has.
func (s *server) landed(id uint64) {
	switch {
	case !s.current(id):
	case s.parked > 0:
		s.c.world.after(10*time.Millisecond, func() { s.awake(func() { s.landed(id) }) })
	case s.c.Stream:
		s.stream(id)
	default:
		s.disablePartner(id, netip.Addr{})
	}
}

// current reports whether sync id is still wanted.
func (s *server) current(id uint64) bool { return s.syncID == id && id != 0 }

func (s *server) syncEnd(id uint64, err string) {
	if s.current(id) {
		s.syncID, s.touched = 0, nil
		s.c.world.logf("%s: sync ends %q", s.name, err)
		s.behind = s.behind && err != ""
		s.step(ha.SyncDone{ID: id, Err: err})
	}
}

func (s *server) disablePartner(id uint64, from netip.Addr) {
	s.command(func(t uint64) ha.Input {
		return ha.ServiceOff{Token: t, Origin: ha.OriginRemote, Period: s.c.SyncTimeout}
	}, func(_ ha.Answer, err string) {
		switch {
		case !s.current(id):
		case err != "" && from.IsValid():
			s.enablePartner(id, err)
		case err != "":
			s.syncEnd(id, err)
		default:
			s.fetch(id, from)
		}
	})
}

func (s *server) enablePartner(id uint64, why string) {
	s.command(func(t uint64) ha.Input { return ha.ServiceOn{Token: t, Origin: ha.OriginRemote} },
		func(ha.Answer, string) { s.syncEnd(id, why) })
}

func (s *server) fetch(id uint64, from netip.Addr) {
	p := s.partner()
	s.c.call(s, p, s.c.SyncTimeout, func(reply func(any)) { reply(p.page(from, 5)) }, func(a any, err string) {
		switch {
		case !s.current(id):
		case err != "":
			s.enablePartner(id, err)
		default:
			s.take(a.(page).leases, func() {
				if pg := a.(page); !pg.last {
					s.disablePartner(id, pg.leases[len(pg.leases)-1].Addr)
					return
				}
				s.complete(id)
			})
		}
	})
}

// page is lease4-get-page.
func (s *server) page(from netip.Addr, limit int) page {
	var pg page
	for _, a := range s.c.addresses {
		if l, ok := s.live[a]; ok && (!from.IsValid() || from.Less(a)) {
			if len(pg.leases) == limit {
				return pg
			}
			pg.leases = append(pg.leases, l)
		}
	}
	pg.last = len(pg.leases) < limit
	return pg
}

func (s *server) stream(id uint64) {
	p := s.partner()
	s.c.call(s, p, s.c.SyncTimeout, func(reply func(any)) {
		p.step(ha.StreamOpened{})
		p.fed++
		fed := p.fed
		p.c.world.after(p.c.SyncTimeout, func() { // the connection broke
			p.awake(func() {
				if p.fed == fed {
					p.step(ha.StreamClosed{})
				}
			})
		})
		reply(p.page(netip.Addr{}, len(p.c.addresses)+1))
	}, func(a any, err string) {
		switch {
		case !s.current(id):
		case err != "":
			s.syncEnd(id, err)
		default:
			s.take(a.(page).leases, func() { s.complete(id) })
		}
	})
}

// take merges leases of the partner and goes on when they are on disk.
func (s *server) take(ls []leases.Lease, then func()) {
	left := 1
	done := func() {
		if left--; left == 0 {
			then()
		}
	}
	for _, l := range ls {
		l.CLTT = s.mine(l.CLTT)
		if !s.touched[l.Addr] && s.merge(l, s.refused[l.Addr] || s.c.Mutation == SyncOverwrites) {
			delete(s.refused, l.Addr)
			left++
			s.save(l, done)
		}
	}
	done()
}

// mine puts a time of the partner's clock on ours.
func (s *server) mine(t time.Time) time.Time {
	if s.c.Mutation == IgnoreSkew {
		return t
	}
	return t.Add(-s.m.Skew(0))
}

func (s *server) complete(id uint64) {
	p := s.partner()
	s.command(func(t uint64) ha.Input { p.fed++; return ha.SyncComplete{Token: t, Origin: ha.OriginRemote} },
		func(_ ha.Answer, err string) { s.syncEnd(id, err) })
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
	s.send(s.partner(), one[0].Lease, func(result int) {
		if result != updated {
			s.step(ha.BacklogDone{Err: "the partner refuses"})
			return
		}
		from.Drop(1)
		s.drain(from)
	})
}

// Outcomes of a lease update.
const (
	updated = iota
	conflicted
	failed
)

// send gives a lease to a peer.
func (s *server) send(p *server, l leases.Lease, done func(result int)) {
	s.c.call(s, p, requestTimeout, func(reply func(any)) { p.update(s, l, reply) }, func(a any, err string) {
		if err != "" {
			done(failed)
			return
		}
		done(a.(int))
	})
}

// update is lease4-update at the receiver.
func (s *server) update(from *server, l leases.Lease, reply func(any)) {
	if s.settings.Partner == from.name {
		l.CLTT = s.mine(l.CLTT)
	} else {
		l.CLTT = l.CLTT.Add(s.skew - from.skew)
	}
	var have *leases.Lease
	if h, ok := s.live[l.Addr]; ok {
		have = &h
	}
	if s.c.Mutation != IgnoreConflicts && ha.Conflict(s.state(), have, &l, s.busy[l.Addr] > 0, s.clock()) {
		s.c.world.logf("%s refuses %s for %s", s.name, l.Addr, l.ClientID)
		reply(conflicted)
		return
	}
	s.doom()
	s.live[l.Addr] = l
	delete(s.offers, l.Addr)
	if s.touched != nil {
		s.touched[l.Addr] = true
	}
	if s.c.Mutation == AnswerEarly {
		s.save(l, func() {})
		reply(updated)
		return
	}
	s.save(l, func() { reply(updated) })
}

// replicate does with a lease change what the policy says; done gets false
// when the client must not be answered.
func (s *server) replicate(l leases.Lease, done func(ok bool)) {
	who := ha.ClientKey{ID: string(l.ClientID)}
	waits := 1
	good := true
	finish := func(ok bool) {
		good = good && ok
		if waits--; waits == 0 {
			done(good)
		}
	}
	pol := s.policy
	switch pol.Partner {
	case ha.Queue:
		if s.m.Backlog(0).Push(ha.Update{Lease: l}) {
			s.partner().behind = true
			break
		}
		fallthrough // it has just been emptied
	case ha.Send:
		early := s.c.Mutation == AckEarly
		if !early {
			waits++
		}
		s.send(s.partner(), l, func(result int) {
			switch result {
			case updated:
				s.step(ha.UpdatesDone{Accepted: []ha.ClientKey{who}})
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
		s.partner().behind = true
		if s.c.Mutation != NeverCount {
			s.m.Unsent(0).Add(1)
		}
	}
	if pol.Backups {
		for _, p := range s.c.servers {
			if p != s && slices.ContainsFunc(s.settings.Peers, func(x ha.Peer) bool { return x.Name == p.name && x.Role == ha.RoleBackup }) {
				if pol.Wait {
					waits++
				}
				s.send(p, l, func(result int) {
					if pol.Wait {
						finish(result == updated)
					}
				})
			}
		}
	}
	finish(true)
}
