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
	l.abandonSync()
	ctx, cancel := context.WithCancel(d.ctx)
	l.stopSync = cancel
	d.task(func() {
		defer cancel()
		begin := time.Now()
		l.landed(ctx)
		n, err := d.sync(ctx, l, l.partner, max(l.conf.SyncTimeout/time.Second, 1)*time.Second)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			l.log.Info("lease database synchronized", "from", l.partner.name, "taken over", n, "took", time.Since(begin).Round(time.Millisecond))
		} else {
			l.log.Warn("lease database synchronization failed", "from", l.partner.name, "reason", err)
		}
		d.input(l.index, SyncDone{ID: id, Err: text(err)})
	})
}

func (l *link) abandonSync() {
	if l.stopSync != nil {
		l.stopSync()
		l.stopSync = nil
	}
}

// sync fetches the leases of a peer and takes over what is newer than ours. It
// returns how many leases changed here. period bounds how long a Kea stays
// silent without hearing from us; zero means until enabled.
func (d *Driver) sync(ctx context.Context, l *link, from *peer, period time.Duration) (int, error) {
	from.learn(requestTimeout)
	m := newMerger(d.opt.Store, d.filter[l.index], &l.touched)
	if from == l.partner {
		m.ours = l.ours
	}
	var err error
	if from.ability().batch() {
		err = l.syncNeedle(ctx, from, m)
	} else {
		err = l.syncKea(ctx, from, period, m)
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
