package sim

import (
	"maps"
	"net/netip"
	"time"

	"needletail/ha"
	"needletail/internal/control"
	"needletail/leases"
)

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
	s.syncAt = s.c.world.now
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
		s.behind = s.behind && (err != "" || s.behindAt > s.syncAt)
		s.step(ha.SyncDone{ID: id, Err: err})
	}
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

// streamed is what a stream's lease may overwrite.
func (s *server) streamed(have, got *leases.Lease, by leases.Source) bool {
	return leases.Supersedes(have, got, by) || s.partnersClock().Ends(have, got, by.Ours)
}

// take merges what the partner has and goes on when it is on disk.
func (s *server) take(us []ha.Update, over func(have, got *leases.Lease, by leases.Source) bool, then func()) {
	left := 1
	done := func() {
		if left--; left == 0 {
			then()
		}
	}
	for _, u := range us {
		u.Lease.CLTT, u.At = s.mine(u.Lease.CLTT), s.past(s.mine(u.At))
		if a := u.Lease.Addr; (!s.touched[a] || s.waited(u)) && s.better(u, over) {
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

// waited tells whether the update that an address had during the sync, taken or
// refused, is older than what a page says of it: merger.waited is the original.
func (s *server) waited(page ha.Update) bool {
	have, ok := s.live.leases[page.Lease.Addr]
	return ok && !page.Delete && have.CLTT.Before(page.Lease.CLTT)
}

// better tells whether an entry of a sync is taken over: merger is the original.
func (s *server) better(u ha.Update, over func(have, got *leases.Lease, by leases.Source) bool) bool {
	have, ok := s.live.leases[u.Lease.Addr]
	if u.Delete {
		return ok && (ha.Buried(&have, u.At) || s.c.Mutation == DeleteNewer)
	}
	if at, gone := s.graves[u.Lease.Addr]; gone && ha.Buried(&u.Lease, at) && s.c.Mutation != RaiseDead {
		return false
	}
	by := leases.Source{Ours: !s.told[u.Lease.Addr], Untold: s.untold[u.Lease.Addr] && have.State == leases.Active && !s.clock().Before(s.vouched[u.Lease.Addr])}
	if ok && s.c.Mutation != TakeAlone && s.policy.Stays(&have, &u.Lease, by, s.clock()) {
		return false
	}
	return !ok || s.c.Mutation == SyncOverwrites || over(&have, &u.Lease, by) || s.policy.Cedes(&have, &u.Lease, s.clock())
}

// partnersClock is the partner's as heartbeats tell it.
func (s *server) partnersClock() ha.Clock {
	ahead, _ := s.m.Skew(s.rel)
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
