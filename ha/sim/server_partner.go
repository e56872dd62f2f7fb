package sim

import (
	"time"

	"needletail/ha"
)

const requestTimeout = 10 * time.Second // Kea: config/timeouts.h

func (s *server) partner() *server { return s.c.byName[s.settings.Partner] }

func (s *server) heartbeat(timeout time.Duration) {
	p, began := s.partner(), s.clock()
	s.c.call(s, p, timeout, func(reply func(any)) {
		st := p.m.Status(p.rel, p.clock())
		h := ha.HeartbeatDone{State: st.State, Time: p.clock().Truncate(time.Second), Scopes: st.Scopes, Unsent: p.m.Unsent(p.rel).Load()}
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
			silent := err != "" && a.Result == 0
			if silent {
				a.Result = 1
			}
			s.step(ha.MaintenanceDone{Result: a.Result, Silent: silent, Err: err, State: a.State})
		})
}
