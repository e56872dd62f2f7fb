package ha

import (
	"context"
	"errors"
	"time"

	"needletail/internal/config"
	"needletail/leases"
)

// pageDefault is the page size where sync-page-limit is 0, which makes every
// sync of a Kea fail.
const pageDefault = 10000

// startSync begins the sync the machine asked for. An earlier one is abandoned.
func (d *Driver) startSync(l *link, id uint64) {
	t := l.nextTurn(d.ctx)
	d.task(func() {
		var begin time.Time
		n, err := t.run(func(ctx context.Context) (int, error) {
			begin = time.Now()
			return d.sync(ctx, l, l.partner, l.syncTimeout().Truncate(time.Second))
		})
		switch {
		case errors.Is(err, errAbandoned):
			return
		case err == nil:
			l.log.Info("lease database synchronized", "from", l.partner.name, "taken over", n, "took", time.Since(begin).Round(time.Millisecond))
		default:
			l.log.Warn("lease database synchronization failed", "from", l.partner.name, "reason", err)
		}
		d.input(l.index, SyncDone{ID: id, Err: text(err)})
	})
}

// syncByHand is ha-sync: it waits for its end. The machine's own sync goes
// before it, one by hand does not.
func (d *Driver) syncByHand(l *link, from *peer, period time.Duration) (int, error) {
	type result struct {
		changed int
		err     error
	}
	var ended chan result
	err := d.do(func() {
		if l.syncing() {
			return
		}
		t := l.nextTurn(d.ctx)
		ended = make(chan result, 1)
		d.task(func() {
			n, err := t.run(func(ctx context.Context) (int, error) { return d.sync(ctx, l, from, period) })
			ended <- result{n, err}
		})
	})
	switch {
	case err != nil:
		return 0, err
	case ended == nil:
		return 0, errors.New("another synchronization is under way")
	}
	r := <-ended
	return r.changed, r.err
}

// sync fetches the leases of a peer and takes over what is newer than ours. It
// returns how many leases changed here. period bounds how long a Kea stays
// silent without hearing from us; zero means until enabled. Pages come over a
// connection of their own, as a Kea fetches them; it ends with ctx, for nobody
// waits for the page of an abandoned sync.
func (d *Driver) sync(ctx context.Context, l *link, from *peer, period time.Duration) (int, error) {
	from.learn(requestTimeout)
	pages, done := from.ctl.own(ctx)
	defer done()
	m := newMerger(d.opt.Store, d.filter[l.index], &l.touched)
	if from == l.partner {
		m.clock, m.policy = l.clock(), func() Policy { return *l.policy.Load() }
	}
	var err error
	if from.ability().batch() {
		err = l.syncNeedle(ctx, from, pages, m)
	} else {
		err = l.syncKea(ctx, from, pages, period, m)
	}
	return m.changed, errors.Join(err, m.finish())
}

// syncFilter returns the ids of the subnets whose leases relationship r syncs:
// those whose ha-server-name is one of its peers. None at all means all of
// them (Kea: lease_sync_filter.cc).
func syncFilter(c *config.Dhcp4, r *config.Relationship) map[uint32]bool {
	var ids map[uint32]bool
	for _, s := range c.Subnets {
		for _, p := range r.Peers {
			if s.HAServerName == p.Name {
				if ids == nil {
					ids = map[uint32]bool{}
				}
				ids[s.ID] = true
			}
		}
	}
	return ids
}

// commit makes b's changes durable and empties b.
func commit(s *leases.Store, b *leases.Batch) error {
	defer b.Reset()
	return s.Write(b)
}
