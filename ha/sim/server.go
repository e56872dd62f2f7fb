package sim

import (
	"net/netip"
	"time"

	"needletail/ha"
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
)

// server is one simulated server in one relationship, with the leases of its
// subnets: a model of all but the machine.
type server struct {
	*process
	rel      int // its index in the process
	c        *Cluster
	index    int
	name     string
	settings ha.Settings

	deaf bool // its clients do not reach it

	scope  scope.Scope
	policy ha.Policy

	table
	offers  map[netip.Addr]offer
	untold  map[netip.Addr]bool      // own changes that are not settled, or were refused: no client was answered
	told    map[netip.Addr]bool      // the latest change was not a client's here
	vouched map[netip.Addr]time.Time // when what the client of a renewal was told before it ends
	synced  time.Time                // when the last sync began
	opened  time.Time                // when the partner's last one from here did, by its clock
	busy    map[netip.Addr]int       // own changes not answered by the partner yet
	touched map[netip.Addr]bool      // by the partner, since the sync began; nil: no sync
	graves  map[netip.Addr]time.Time // as they were when the sync began
	syncID  uint64
	waiting map[string]bool // clients of others seen since the epoch: unacked
	epoch   uint32
	fed     int     // counts signs of life of the partner's streams
	feeding bool    // the partner's stream is open
	behind  bool    // the partner promised leases that are not here
	blind   bool    // it went to partner-down or communication-recovery, or went on in it, without being able to reach a partner that lives, or beside a dead one
	mark    ha.Mark // on disk
	doomed  bool    // dies in its next commit
	loud    bool    // by mutation: serves where it should be silent
	unsent  uint64  // by mutation: what only the partner is told

	behindAt time.Duration // when the partner promised the last of them
	syncAt   time.Duration // when the last sync began
}

type offer struct {
	id    string
	until time.Duration
}

// begin forgets what a former life of the process had in memory.
func (s *server) begin() {
	s.crash()
	s.offers, s.busy = map[netip.Addr]offer{}, map[netip.Addr]int{}
	s.untold, s.told, s.feeding = map[netip.Addr]bool{}, map[netip.Addr]bool{}, false
	s.vouched = map[netip.Addr]time.Time{}
	s.synced, s.opened = time.Time{}, time.Time{}
	s.touched, s.syncID = nil, 0
	s.waiting, s.epoch = map[string]bool{}, 0
	s.scope, s.policy, s.loud = scope.Scope{}, ha.Policy{}, false
	s.c.world.logf("%s starts with %d leases", s.name, len(s.live.leases))
	s.settings.Alone, s.settings.Read = s.mark.Alone, s.mark.Read
}

// kea reports whether this server is a Kea in that it owes nothing: only its
// partner looks whether it answered clients alone.
func (s *server) kea() bool { return s.c.Mutation == NeverOwe || s.c.Kea && s.index == 1 }

func (s *server) state() ha.State { return s.m.Status(s.rel, s.clock()).State }

// step tells the machine, with the filters' counts before it where it wants them.
func (s *server) step(in ha.Input) {
	if s.scope.Interrupted {
		n := uint32(0)
		for _, unacked := range s.waiting {
			if unacked {
				n++
			}
		}
		s.perform(s.m.Step(s.clock(), s.rel, ha.Counted{Unacked: scope.Unacked{Connecting: uint32(len(s.waiting)), Unacked: n}}))
	}
	s.perform(s.m.Step(s.clock(), s.rel, in))
}

// ask gives the machine a command and passes its answer on.
func (s *server) ask(command func(token uint64) ha.Input, reply func(ha.Answer)) {
	s.tokens++
	s.asked[s.tokens] = reply
	s.step(command(s.tokens))
}

func (s *server) effect(e ha.Effect) {
	switch e := e.(type) {
	case ha.SetScope:
		s.setScope(e.Scope)
	case ha.Mark:
		if s.mark = e; s.c.Mutation == NeverMark || s.kea() {
			s.mark = ha.Mark{}
		}
	case ha.SetPolicy:
		s.policy = e.Policy
	case ha.SendHeartbeat:
		s.heartbeat(e.Timeout)
	case ha.StartSync:
		s.sync(e.ID)
	case ha.StopSync:
		s.syncID, s.touched = 0, nil
	case ha.SendBacklog:
		s.drain(s.m.Backlog(s.rel).Drain())
	case ha.SendReset:
		s.command(func(t uint64) ha.Input { return ha.Reset{Token: t} }, func(_ ha.Answer, err string) { s.step(ha.ResetDone{Err: err}) })
	case ha.SendMaintenance:
		s.notify(e)
	case ha.Answer:
		if reply := s.asked[e.Token]; reply != nil {
			delete(s.asked, e.Token)
			reply(e)
		}
	case ha.Transition:
		if e.To == ha.PartnerDown || e.To == ha.CommunicationRecovery {
			s.blind = s.unreachable()
		}
		s.c.world.logf("%s: %s -> %s, partner %s: %s", s.name, e.From, e.To, e.Partner, e.Reason)
	case ha.Warning:
		s.c.world.logf("%s warns: %s", s.name, e.Text)
	}
}

// unreachable reports whether it cannot have heard from its partner of late.
func (s *server) unreachable() bool {
	p, since := s.partner(), s.c.notice(s)
	return p != nil && (!p.up || p.stopped || p.since > since || !s.c.net.good(s, p, since))
}

func (s *server) setScope(sc scope.Scope) {
	if sc.Epoch != s.epoch {
		s.epoch, s.waiting = sc.Epoch, map[string]bool{}
	}
	if s.c.Mutation == ServeAll && s.up && s.m != nil && s.state() == ha.LoadBalancing {
		sc.Serve = rfc3074.All
	}
	if sc.Serve != s.scope.Serve || sc.Enabled != s.scope.Enabled {
		s.c.world.logf("%s serves %d buckets, service %v", s.name, sc.Serve.Count(), sc.Enabled)
	}
	s.scope = sc
}

// enabled reports whether the service is on.
func (s *server) enabled() bool { return s.scope.Enabled || s.loud && s.state() == ha.PartnerDown }

// save writes a change to disk and calls done when it is there. Writes keep
// their order.
func (s *server) save(u ha.Update, done func()) {
	w, life := s.c.world, s.life
	s.diskFree = max(s.diskFree, w.now) + w.between(100*time.Microsecond, s.c.DiskTime)
	w.after(s.diskFree-w.now, func() {
		if s.life != life || !s.up {
			return
		}
		s.disk.apply(u)
		s.awake(done)
	})
}
