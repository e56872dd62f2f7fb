package suite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
)

// DORA finds the highest rate at which new clients get leases.
func (s *Suite) DORA(ctx context.Context, c Contender) error {
	return s.single(ctx, c, base(), func(st *site, setup *peer.Setup) error {
		peak, err := s.searchNew(ctx, st, st.about(c.Peer, setup), "dora", setup)
		if err == nil {
			s.peaks[c.key()] = peak
		}
		return err
	})
}

// Relayed does the same with clients behind so many relays that add option 82.
func (s *Suite) Relayed(ctx context.Context, c Contender, relays int) error {
	setup := base()
	setup.Agents = relays
	return s.single(ctx, c, setup, func(st *site, setup *peer.Setup) error {
		_, err := s.searchNew(ctx, st, st.about(c.Peer, setup), fmt.Sprintf("dora-relayed-%d", relays), setup)
		return err
	})
}

// PairDORA does the same with two servers in load-balancing, and with one of them
// behind the same bridge, to compare with: a bridge takes no live frames.
func (s *Suite) PairDORA(ctx context.Context, c Contender) error {
	search := func(work string) func(*site, *peer.Setup) error {
		return func(st *site, setup *peer.Setup) error {
			_, err := s.searchNew(ctx, st, st.about(c.Peer, setup), work, setup)
			return err
		}
	}
	return errors.Join(s.pair(ctx, c, newPairSite, search("pair-dora")), s.alone(ctx, c, base(), newPairSite, search("bridged-dora")))
}

func (s *Suite) searchNew(ctx context.Context, st *site, who record.Server, work string, setup *peer.Setup) (*load.Result, error) {
	cfg := st.config(s.Clients, setup.Relays())
	cfg.Fresh = st.peer.Pool == 0
	anew := func() (*load.Generator, error) { return load.New(cfg, st.link) }
	g, err := anew()
	if err != nil {
		return nil, err
	}
	return s.search(ctx, st, who, quest{work: work, mix: load.Mix{load.DORA: 1}, g: g, anew: anew})
}

// renewing is how many clients hold leases when renewals are measured.
const renewing = 20000

// Renew finds the highest rate of renewals inside the lease cache.
func (s *Suite) Renew(ctx context.Context, c Contender) error {
	setup := base()
	setup.Cache = 0.25
	return s.single(ctx, c, setup, func(st *site, setup *peer.Setup) error {
		g, err := s.filled(ctx, st, renewing)
		if err != nil {
			return err
		}
		_, err = s.search(ctx, st, st.about(c.Peer, setup), quest{work: "renew-cached", mix: load.Mix{load.Renew: 1}, g: g})
		return err
	})
}

// mixes are the other exchanges. Nobody answers a RELEASE or DECLINE, so they
// are measured together with the DORA that must follow; declined addresses stay
// away, so that mix comes last.
var mixes = []struct{ work, mix string }{
	{"renew", "renew"},
	{"rebind", "rebind"},
	{"init-reboot", "init-reboot"},
	{"inform", "inform"},
	{"mixed", "renew:70,init-reboot:10,dora:10,rebind:5,release:5"},
	{"release", "release:1,dora:1"},
	{"decline", "decline:1,dora:1"},
}

// Exchanges finds the highest rate of every exchange there is beside DORA, none
// of them inside the lease cache, on one server that goes on running. Runs are
// half as long as those of the other searches, and fewer.
func (s *Suite) Exchanges(ctx context.Context, c Contender) error {
	quick := *s
	quick.Trial, quick.Confirm, quick.Steps = s.Trial/2, s.Confirm/2, min(s.Steps, 1)
	return quick.single(ctx, c, base(), func(st *site, setup *peer.Setup) error {
		g, err := quick.filled(ctx, st, renewing)
		if err != nil {
			return err
		}
		for _, m := range mixes {
			mix, err := load.ParseMix(m.mix)
			if err != nil {
				return err
			}
			if _, err := quick.search(ctx, st, st.about(c.Peer, setup), quest{work: m.work, mix: mix, g: g}); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// fillRate is what filled begins with; it halves with every try.
const fillRate = 4000

// filled returns a generator all of whose clients hold a lease.
func (s *Suite) filled(ctx context.Context, st *site, clients int) (*load.Generator, error) {
	g, err := load.New(st.config(clients, nil), st.link)
	if err != nil {
		return nil, err
	}
	for rate := fillRate; g.Bound() < clients; rate /= 2 {
		if rate < fillRate/32 {
			return nil, fmt.Errorf("only %d of %d clients got a lease at %d a second", g.Bound(), clients, rate)
		}
		missing := clients - g.Bound()
		g.Set(load.Mix{load.DORA: 1}, float64(rate), time.Duration(missing)*time.Second/time.Duration(rate), false)
		if _, err := g.Run(ctx); err != nil {
			return nil, err
		}
	}
	return g, nil
}
