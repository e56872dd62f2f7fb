package leases

import "time"

// reclaimStep bounds the leases handled under one hold of a network's lock:
// about 20 µs.
const reclaimStep = 64

// Reclaim ends leases that are over, at most max of them (Kea:
// expired-leases-processing): expired ones become Reclaimed, or are deleted if
// there is no affinity; declined ones whose probation is over become free;
// offers nobody took become free; Reclaimed and Released ones older than the
// affinity are deleted. owned, if not nil, says which expired leases are ours to
// reclaim. more tells that another call has work. The caller submits the batch.
//
// The work grows with the leases that ended, not with those there are.
func (s *Store) Reclaim(b *Batch, now time.Time, max int, owned func(*Lease) bool) (n int, more bool) {
	s.admin.RLock()
	defer s.admin.RUnlock()
	at := now.Unix()
	for _, net := range s.layout.Load().nets {
		for _, sub := range net.subnets {
			for _, p := range append(sub.pools[:len(sub.pools):len(sub.pools)], sub.outside) {
				done, left := s.reclaimPool(b, net, p, at, max-n, owned)
				n, more = n+done, more || left
			}
		}
	}
	s.graves.expire(at)
	return n, more
}

// reclaimPool works on one pool in steps, letting go of the lock in between.
func (s *Store) reclaimPool(b *Batch, n *network, p *pool, now int64, limit int, owned func(*Lease) bool) (done int, more bool) {
	skipped := 0
	for {
		n.mu.Lock()
		caught := n.advance(p, now, reclaimStep)
		step, left := 0, false
		if caught || owned == nil { // going round the list once needs it whole
			step, left = s.reclaimSome(b, n, p, now, min(reclaimStep, limit-done), owned, &skipped)
		}
		n.mu.Unlock()
		if done += step; caught && !left {
			return done, false
		}
		if done >= limit {
			return done, true
		}
	}
}

// reclaimSome handles up to limit leases that are over. skipped counts expired
// leases that are someone else's, so that the list is gone round only once.
func (s *Store) reclaimSome(b *Batch, n *network, p *pool, now int64, limit int, owned func(*Lease) bool, skipped *int) (done int, left bool) {
	for ; done < limit; done++ {
		switch {
		case n.endOffer(p, now):
		case s.endFormer(b, n, p, now):
		case p.misplaced == 0 && s.endExpired(b, n, p, now, owned, skipped): // it turns the list
		default:
			return done, false
		}
	}
	return done, true
}

// endOffer ends the oldest offer if its time is over, or puts it in its place.
func (n *network) endOffer(p *pool, now int64) bool {
	ref := p.lists[listOffers]
	if ref != 0 && n.curtail(p, ref, now) {
		return true
	}
	if ref == 0 || int64(n.slot(ref).until) > now {
		return false
	}
	n.unoffer(ref)
	return true
}

// endFormer deletes the oldest former lease if its affinity is over. Partners
// count their own time, so the deletion is quiet.
func (s *Store) endFormer(b *Batch, n *network, p *pool, now int64) bool {
	ref := p.lists[listFormer]
	if ref == 0 || n.slot(ref).expires()+n.times.affinity >= now {
		return false
	}
	s.erase(n, b, true, ref)
	return true
}

// notOursLook bounds the expired leases of others that one step steps over.
const notOursLook = 256

// endExpired reclaims the next expired lease that is ours. Those that are not
// go to the end of the list; one call goes round it once.
func (s *Store) endExpired(b *Batch, n *network, p *pool, now int64, owned func(*Lease) bool, skipped *int) bool {
	for looks := 0; looks < notOursLook && *skipped < p.expired; looks++ {
		ref := p.lists[listExpired]
		sl := n.slot(ref)
		if sl.ends() <= now && (owned == nil || n.isOwned(ref, owned)) {
			s.reclaim(b, n, ref)
			return true
		}
		p.lists[listExpired] = sl.next
		*skipped++
	}
	return false
}

func (n *network) isOwned(ref uint32, owned func(*Lease) bool) bool {
	l := n.lease(ref)
	return owned(&l)
}

// reclaim ends one expired lease.
func (s *Store) reclaim(b *Batch, n *network, ref uint32) {
	sl := n.slot(ref)
	if sl.state() == Declined || n.times.affinity == 0 {
		s.erase(n, b, true, ref)
		return
	}
	n.dropExtra(sl)
	n.former(ref, Reclaimed)
	s.note(n, b, Put, true, ref)
}
