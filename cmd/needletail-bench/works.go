package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/suite"
)

// works are the comparisons in the order they run.
var works = []struct {
	name, about string
	run         func(context.Context, *suite.Suite, *set) error
}{
	{"ceiling", "the generator's own highest rate", ceiling},
	{"dora", "new clients, highest rate with at most 0.1 % loss", dora},
	{"relayed", "the same from 16 relays with option 82", relayed},
	{"pair", "the same with two servers in load-balancing", pair},
	{"renew", "renewals inside the lease cache", renew},
	{"exchanges", "every other exchange, and a mix of them", exchanges},
	{"refuse", "queries for another server, refused while in-scope clients lose nothing", refuse},
	{"malformed", "a flood of malformed queries while clients are served", malformed},
	{"cpu", "processor time of 100,000 DORA at 5,000 a second", cpu},
	{"latency", "latency at half of Kea's highest rate", latency},
	{"failover", "a server of a pair is killed and comes back", failover},
	{"storm", "a million clients in a minute", storm},
	{"overload", "three times more than the highest rate", overload},
	{"start", "start and memory with many leases", start},
	{"subnets", "cost by number of subnets", subnets},
	{"relationships", "cost by number of relationships", relationships},
	{"workers", "cost by number of workers", workers},
}

func workNames() []string {
	var names []string
	for _, w := range works {
		names = append(names, w.name)
	}
	return names
}

// each runs a measurement for several contenders; one that fails does not keep
// the others from being measured. That a peer answers wrongly is a result, which its
// record shows, and no failure of the run; that needletail does is one.
func each(ctx context.Context, s *suite.Suite, all []suite.Contender, f func(context.Context, suite.Contender) error) error {
	var failed []error
	for _, c := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := f(ctx, c)
		switch {
		case c.Peer.Name != peer.Own && errors.Is(err, load.ErrWrong):
			s.Say("  no figure of %s here: %v", c.Peer.Name, err)
		case err != nil:
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// with puts Kea, if it is there, before our own.
func (s *set) with(own ...suite.Contender) []suite.Contender {
	if s.kea == nil {
		return own
	}
	return append([]suite.Contender{*s.kea}, own...)
}

func ceiling(ctx context.Context, s *suite.Suite, _ *set) error { return s.Ceiling(ctx) }

// variant names needletail with a durability, with the fast path or without.
func variant(durability string, fast bool) string {
	if fast {
		return durability
	}
	return durability + "-socket"
}

// variantNames are all there are; the last is measured when asked for.
var variantNames = []string{"sync", "os", "none", "sync-socket", "os-socket", "memory", "memory-socket", "none-socket"}

func dora(ctx context.Context, s *suite.Suite, w *set) error {
	var own []suite.Contender
	for _, fast := range []bool{true, false} {
		for _, durability := range []string{"sync", "os", "none", peer.Memory} {
			if slices.Contains(w.variants, variant(durability, fast)) {
				own = append(own, w.own(durability, fast))
			}
		}
	}
	return each(ctx, s, append(w.with(own...), w.others...), s.DORA)
}

// relayedFrom is how many relays clients are behind.
const relayedFrom = 16

func relayed(ctx context.Context, s *suite.Suite, w *set) error {
	return each(ctx, s, append(w.with(w.own("sync", true)), w.others...), func(ctx context.Context, c suite.Contender) error {
		return s.Relayed(ctx, c, relayedFrom)
	})
}

func exchanges(ctx context.Context, s *suite.Suite, w *set) error {
	return each(ctx, s, w.with(w.own("sync", true)), s.Exchanges)
}

func pair(ctx context.Context, s *suite.Suite, w *set) error {
	return each(ctx, s, w.with(w.own("sync", true), w.own("os", true)), s.PairDORA)
}

func renew(ctx context.Context, s *suite.Suite, w *set) error {
	return each(ctx, s, w.with(w.own("sync", true)), s.Renew)
}

func refuse(ctx context.Context, s *suite.Suite, w *set) error {
	return each(ctx, s, w.with(w.own("sync", true), w.own("sync", false)), s.Refuse)
}

// malformedRate is a flood that every server here can at least receive.
const malformedRate = 20000

func malformed(ctx context.Context, s *suite.Suite, w *set) error {
	return each(ctx, s, append(w.with(w.own("sync", true)), w.others...), func(ctx context.Context, c suite.Contender) error {
		return s.Malformed(ctx, c, malformedRate)
	})
}

func cpu(ctx context.Context, s *suite.Suite, w *set) error {
	return each(ctx, s, w.with(w.own("sync", true), w.own("os", true)), s.CPU)
}

func latency(ctx context.Context, s *suite.Suite, w *set) error {
	if w.kea == nil {
		s.Say("  not measured: half of Kea's highest rate is not known without Kea")
		return nil
	}
	return each(ctx, s, w.with(w.own("sync", true), w.own("os", true)), func(ctx context.Context, c suite.Contender) error {
		return s.Latency(ctx, c, *w.kea)
	})
}

func failover(ctx context.Context, s *suite.Suite, w *set) error {
	fast := suite.Detection{Heartbeat: 100 * time.Millisecond, Dead: 300 * time.Millisecond}
	// Kea 2.2 checks its timers about once a second whatever it is told.
	return each(ctx, s, w.with(w.own("sync", true)), func(ctx context.Context, c suite.Contender) error {
		return s.Failover(ctx, c, fast)
	})
}

// A reboot storm is a million clients that begin within a minute.
const (
	stormClients = 1e6
	stormTime    = time.Minute
)

func storm(ctx context.Context, s *suite.Suite, w *set) error {
	return s.Storm(ctx, w.own("sync", true), stormClients/stormTime.Seconds(), stormTime)
}

func overload(ctx context.Context, s *suite.Suite, w *set) error {
	return s.Overload(ctx, w.own("sync", true), 10*time.Second)
}

func start(ctx context.Context, s *suite.Suite, w *set) error {
	var failed []error
	for _, n := range []int{0, 10000, 100000, 1000000, 5000000} {
		all := w.with(w.own("sync", true))
		if n > 1000000 {
			all = []suite.Contender{w.own("sync", true)}
		}
		failed = append(failed, each(ctx, s, all, func(ctx context.Context, c suite.Contender) error { return s.Start(ctx, c, n) }))
	}
	return errors.Join(failed...)
}

func subnets(ctx context.Context, s *suite.Suite, w *set) error {
	var failed []error
	for _, n := range []int{1, 10, 100, 1000} {
		failed = append(failed, s.Grow(ctx, w.own("os", true), n, 5000))
	}
	return errors.Join(failed...)
}

func relationships(ctx context.Context, s *suite.Suite, w *set) error {
	var failed []error
	for _, n := range []int{1, 4, 16, 64} {
		failed = append(failed, s.Ally(ctx, w.own("os", true), n, 5000))
	}
	return errors.Join(failed...)
}

func workers(ctx context.Context, s *suite.Suite, w *set) error {
	var failed []error
	for _, n := range []int{1, 2} {
		failed = append(failed, s.Widen(ctx, w.own("os", true), n, 5000))
	}
	return errors.Join(failed...)
}
