package sim

import (
	"net/netip"

	"needletail/ha"
	"needletail/leases"
)

// stream opens a sync as between needletails and fetches its pages.
func (s *server) stream(id uint64) {
	p, asked := s.partner(), s.clock()
	s.c.call(s, p, s.c.SyncTimeout, func(reply func(any)) {
		p.feeding, p.opened = true, asked
		if s.current(id) {
			s.syncAt = s.c.world.now // what was queued before, the pages tell
		}
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
