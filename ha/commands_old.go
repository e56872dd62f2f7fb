package ha

import "context"

// HidesReleased tells whether whoever sent a command may not know the lease
// state released: a Kea before 2.7.0 skips such a lease of a page, and stops
// paging silently when it is the last one. A command of a relationship's
// listener comes from one of its peers; where a relationship has no listener
// of its own, a command of a shared socket may.
func (d *Driver) HidesReleased(ctx context.Context) bool {
	at, own := via(ctx)
	for i, l := range d.links {
		listens := l.conf.MultiThreading && l.conf.DedicatedListener
		if own && i != at || !own && listens {
			continue
		}
		for _, p := range l.peers {
			if !p.ability().released() {
				return true
			}
		}
	}
	return false
}
