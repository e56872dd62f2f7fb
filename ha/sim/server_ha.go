package sim

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"needletail/ha"
	"needletail/internal/control"
	"needletail/leases"
)

const requestTimeout = 10 * time.Second // Kea: config/timeouts.h

func (s *server) partner() *server { return s.c.byName[s.settings.Partner] }

func (s *server) heartbeat(timeout time.Duration) {
	p, began := s.partner(), s.clock()
	s.c.call(s, p, timeout, func(reply func(any)) {
		st := p.m.Status(0, p.clock())
		h := ha.HeartbeatDone{State: st.State, Time: p.clock().Truncate(time.Second), Scopes: st.Scopes, Unsent: p.m.Unsent(0).Load()}
		if p.kea() {
			h.Unsent += p.unsent
		}
		if s.c.Mutation == NeverLook {
			h.Unsent = 0
		}
		reply(h)
	}, func(a any, err string) {
		s.loud = false
		if err != "" {
			s.step(ha.HeartbeatDone{Err: err})
			return
		}
		h := a.(ha.HeartbeatDone)
		h.Began = began
		s.step(h)
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

// page is what one request of a sync brings. Deletions are told by a stream only.
type page struct {
	entries []ha.Update
	last    bool
	refused bool // no stream is open
}

// end is the last address of a page.
func (p page) end() netip.Addr { return p.entries[len(p.entries)-1].Lease.Addr }

// sync fetches the partner's leases: as from a Kea, page by page, the partner
// silent meanwhile; or as a stream, the partner sending every change meanwhile.
func (s *server) sync(id uint64) {
	s.syncID, s.touched, s.graves, s.synced = id, map[netip.Addr]bool{}, maps.Clone(s.live.graves), s.clock()
	if s.c.Stream {
		s.stream(id)
		return
	}
	s.disablePartner(id, netip.Addr{})
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
	if s.c.Mutation == NoSilence {
		s.fetch(id, from)
		return
	}
	s.command(func(t uint64) ha.Input {
		return ha.ServiceOff{Token: t, Origin: control.OriginHARemote, Period: s.c.SyncTimeout}
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
	s.command(func(t uint64) ha.Input { return ha.ServiceOn{Token: t, Origin: control.OriginHARemote} },
		func(ha.Answer, string) { s.syncEnd(id, why) })
}

func (s *server) fetch(id uint64, from netip.Addr) {
	p := s.partner()
	s.c.call(s, p, s.c.SyncTimeout, func(reply func(any)) { reply(p.page(from)) }, func(a any, err string) {
		switch {
		case !s.current(id):
		case err != "":
			s.enablePartner(id, err)
		default:
			s.take(a.(page).entries, leases.Supersedes, func() {
				if pg := a.(page); !pg.last {
					s.disablePartner(id, pg.end())
					return
				}
				s.complete(id)
			})
		}
	})
}

const pageSize = 5

// page is lease4-get-page.
func (s *server) page(from netip.Addr) page {
	var pg page
	for _, a := range s.c.addresses {
		if l, ok := s.live.leases[a]; ok && (!from.IsValid() || from.Less(a)) {
			if len(pg.entries) == pageSize {
				return pg
			}
			pg.entries = append(pg.entries, ha.Update{Lease: l})
		}
	}
	pg.last = len(pg.entries) < pageSize
	return pg
}

// stream opens a sync as between needletails and fetches its pages.
func (s *server) stream(id uint64) {
	p := s.partner()
	s.c.call(s, p, s.c.SyncTimeout, func(reply func(any)) {
		p.feeding = true
		p.keepFeeding()
		p.step(ha.StreamOpened{})
		reply(page{})
	}, func(_ any, err string) {
		switch {
		case !s.current(id):
		case err != "":
			s.syncEnd(id, err)
		default:
			s.streamPage(id, netip.Addr{})
		}
	})
}

// keepFeeding notes a sign of life of the partner's stream.
func (s *server) keepFeeding() {
	s.fed++
	fed := s.fed
	s.c.world.after(s.c.SyncTimeout, func() {
		s.awake(func() {
			if s.fed == fed && s.feeding {
				s.feeding = false
				s.step(ha.StreamClosed{})
			}
		})
	})
}

// nextPage is needletail-sync-page: the first one begins with all deletions.
func (s *server) nextPage(from netip.Addr) page {
	if !s.feeding {
		return page{refused: true}
	}
	s.keepFeeding()
	pg := s.page(from)
	if from.IsValid() {
		return pg
	}
	var gone []ha.Update
	for _, a := range s.c.addresses {
		if at, ok := s.live.graves[a]; ok {
			gone = append(gone, ha.Update{Delete: true, At: at, Lease: leases.Lease{Addr: a}})
		}
	}
	pg.entries = append(gone, pg.entries...)
	return pg
}

func (s *server) streamPage(id uint64, from netip.Addr) {
	p := s.partner()
	s.c.call(s, p, s.c.SyncTimeout, func(reply func(any)) { reply(p.nextPage(from)) }, func(a any, err string) {
		pg, _ := a.(page)
		if err == "" && pg.refused {
			err = "no stream is open"
		}
		switch {
		case !s.current(id):
		case err != "":
			s.syncEnd(id, err)
		default:
			s.take(pg.entries, s.streamed, func() {
				if !pg.last {
					s.streamPage(id, pg.end())
					return
				}
				s.complete(id)
			})
		}
	})
}

// streamed is what a stream's lease may overwrite.
func (s *server) streamed(have, got *leases.Lease, untold bool) bool {
	return leases.Supersedes(have, got, untold) || s.partnersClock().Ends(have, got)
}

// take merges what the partner has and goes on when it is on disk.
func (s *server) take(us []ha.Update, over func(have, got *leases.Lease, untold bool) bool, then func()) {
	left := 1
	done := func() {
		if left--; left == 0 {
			then()
		}
	}
	for _, u := range us {
		u.Lease.CLTT, u.At = s.mine(u.Lease.CLTT), s.past(s.mine(u.At))
		if a := u.Lease.Addr; !s.touched[a] && s.better(u, over) {
			s.c.world.logf("%s reads: %s of %s for %s, delete %v", s.name, a, u.Lease.CLTT.Sub(epoch), u.Lease.ClientID, u.Delete)
			delete(s.untold, a)
			s.told[a] = true
			s.live.apply(u)
			s.c.dead(s, &u)
			left++
			s.save(u, done)
		}
	}
	done()
}

// better tells whether an entry of a sync is taken over: merger is the original.
func (s *server) better(u ha.Update, over func(have, got *leases.Lease, untold bool) bool) bool {
	have, ok := s.live.leases[u.Lease.Addr]
	if u.Delete {
		return ok && (ha.Buried(&have, u.At) || s.c.Mutation == DeleteNewer)
	}
	if at, gone := s.graves[u.Lease.Addr]; gone && ha.Buried(&u.Lease, at) && s.c.Mutation != RaiseDead {
		return false
	}
	untold := s.untold[u.Lease.Addr] && have.State == leases.Active
	return !ok || s.c.Mutation == SyncOverwrites || over(&have, &u.Lease, untold)
}

// partnersClock is the partner's as heartbeats tell it.
func (s *server) partnersClock() ha.Clock {
	ahead, _ := s.m.Skew(0)
	return ha.Clock{Ahead: ahead}
}

// past takes a moment to come for now (leases.Store.DeleteAt).
func (s *server) past(t time.Time) time.Time {
	if now := s.clock().Truncate(time.Second); t.After(now) {
		return now
	}
	return t
}

// mine puts a time of the partner's clock on ours.
func (s *server) mine(t time.Time) time.Time {
	if s.c.Mutation == IgnoreSkew {
		return t
	}
	return s.partnersClock().Ours(t)
}

func (s *server) complete(id uint64) {
	p := s.partner()
	s.command(func(t uint64) ha.Input {
		p.feeding = false
		p.loud = s.c.Mutation == LoudAfterSync
		return ha.SyncComplete{Token: t, Origin: control.OriginHARemote}
	},
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
	s.send(s.partner(), one[0], func(result int) {
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

// update is lease4-update, lease4-del or needletail-lease4-apply at the receiver.
func (s *server) update(from *server, u ha.Update, sent time.Time, reply func(any)) {
	if s.settings.Partner == from.name {
		u.Lease.CLTT, u.At, sent = s.mine(u.Lease.CLTT), s.mine(u.At), s.mine(sent)
	} else {
		u.Lease.CLTT, u.At = u.Lease.CLTT.Add(s.skew-from.skew), u.At.Add(s.skew-from.skew)
	}
	u.At = s.past(u.At)
	if s.settings.Partner == from.name && s.late(sent) {
		s.c.world.logf("%s hears too late: %s for %s", s.name, u.Lease.Addr, u.Lease.ClientID)
		reply(contested)
		return
	}
	a := u.Lease.Addr
	if s.touched != nil {
		s.touched[a] = true
	}
	if have, ok := s.live.leases[a]; ok {
		if result := s.refuses(&have, &u); result != updated {
			s.c.world.logf("%s refuses %s for %s", s.name, a, u.Lease.ClientID)
			reply(result)
			return
		}
		if u.Delete && s.tooLate(&have, &u) {
			reply(updated)
			return
		}
	} else if u.Delete {
		reply(updated)
		return
	}
	s.doom()
	s.c.world.logf("%s hears from %s: %s of %s for %s, delete %v", s.name, from.name, a, u.Lease.CLTT.Sub(epoch), u.Lease.ClientID, u.Delete)
	s.live.apply(u)
	s.told[a] = true
	delete(s.offers, a)
	if s.c.Mutation == AnswerEarly {
		s.save(u, func() {})
		reply(updated)
		return
	}
	s.save(u, func() { reply(updated) })
}

// late tells whether a partner's update is overtaken by a sync, or will be
// (errLate of the original).
func (s *server) late(sent time.Time) bool {
	_, known := s.m.Skew(0)
	return !known || s.c.Stream && sent.Before(s.synced)
}

// refuses decides about a lease as the original does (Driver.applyEntry); where
// partners are no needletails, as a Kea whose thread is busy with the address.
func (s *server) refuses(have *leases.Lease, u *ha.Update) int {
	got := u.Lease
	if s.c.Mutation == TakeOlder && got.CLTT.Before(have.CLTT) {
		got.CLTT = have.CLTT
	}
	alone := ha.LoadBalancing
	if s.policy.Alone && s.c.Mutation != TakeAlone {
		alone = ha.PartnerDown
	}
	switch a := got.Addr; {
	case u.Delete || s.c.Mutation == IgnoreConflicts:
	case ha.Outlived(have, &got, s.partnersClock(), s.clock()):
		if s.c.Stream {
			return contested
		}
		return conflicted
	case s.c.Stream && ha.Contest(alone, s.index == 0 && !s.told[a], have, &got, s.clock()):
		return contested
	case !s.c.Stream && ha.Conflict(alone, have, &got, s.busy[a] > 0, s.clock()):
		return conflicted
	}
	return updated
}

// tooLate leaves alone what was given away since a deletion: by when it was made,
// or, told by a Kea, by whose lease it names.
func (s *server) tooLate(have *leases.Lease, u *ha.Update) bool {
	switch {
	case s.c.Mutation == DeleteLate:
		return false
	case s.c.Stream:
		return ha.Overtaken(have, !s.told[u.Lease.Addr], u.At, s.clock())
	}
	return held(*have, s.clock()) && !leases.SameClient(have, &u.Lease)
}

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
		if s.m.Backlog(0).Push(u) {
			s.partner().behind = true
			break
		}
		fallthrough // it has just been emptied
	case ha.Send:
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
		s.partner().behind = true
		s.unsent++
		if s.c.Mutation != NeverCount && !s.kea() {
			s.m.Unsent(0).Add(1)
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
