package sim

import (
	"net/netip"

	"needletail/ha"
	"needletail/internal/control"
	"needletail/leases"
)

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
	s.c.call(s, p, s.c.SyncTimeout, func(reply func(any)) {
		if !from.IsValid() {
			p.step(ha.ReadFromStart{})
		}
		reply(p.page(from))
	}, func(a any, err string) {
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
