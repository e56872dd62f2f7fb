package ha

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"needletail/leases"
)

// merger takes leases of a sync over into the store, where they are newer than
// what is there. While one batch is being written to disk the next one fills.
type merger struct {
	store   *leases.Store
	only    map[uint32]bool // subnet ids; nil for all
	touched *touched
	graves  map[netip.Addr]time.Time // what we have deleted, and when
	clock   Clock                    // the sender's
	policy  func() Policy            // ours beside the sender, at the moment
	changed int

	filling *leases.Batch
	writing chan error // result of the batch on its way to disk; nil: none
	idle    *leases.Batch
	err     error
}

// mergeBatch is how many changes go to disk in one piece.
const mergeBatch = 16384

func newMerger(s *leases.Store, only map[uint32]bool, t *touched) *merger {
	m := &merger{store: s, only: only, touched: t, graves: map[netip.Addr]time.Time{},
		policy: func() Policy { return Policy{} }, filling: new(leases.Batch), idle: new(leases.Batch)}
	gone, _ := s.Deleted(0, math.MaxInt)
	for _, g := range gone {
		m.graves[addrOf(g.Addr)] = time.Unix(g.At, 0)
	}
	return m
}

// lease merges one lease of a Kea.
func (m *merger) lease(l *leases.Lease) error { return m.take(l, leases.Supersedes) }

// take merges one lease, where it is better than ours. One that cannot be
// stored (unknown subnet) is skipped: a sync takes over what it can. So is one
// that we have deleted since: the partner has not heard of that yet. An update
// that has come since the sync began is newer than a page, unless the times say
// that it had waited: in the socket of a process that was stopped, say.
func (m *merger) take(l *leases.Lease, over func(have, got *leases.Lease, by leases.Source) bool) error {
	l.CLTT = m.clock.Ours(l.CLTT)
	if at, gone := m.graves[l.Addr]; m.foreign(l) || gone && Buried(l, at) {
		return nil
	}
	m.touched.look(l.Addr, func(updated bool) {
		if updated && !m.waited(l) {
			return
		}
		taken, err := m.store.Merge(m.filling, l, func(have, got *leases.Lease, by leases.Source) bool {
			p, now := m.policy(), time.Now()
			return !p.Stays(have, got, by, now) && (over(have, got, by) || p.Cedes(have, got, now))
		})
		if err == nil && taken {
			m.changed++
		}
	})
	return m.full()
}

// waited tells whether the update that an address had during the sync is older
// than what a page says of it.
func (m *merger) waited(page *leases.Lease) bool {
	have, ok := m.store.Get(page.Addr)
	return ok && have.CLTT.Before(page.CLTT)
}

// foreign tells whether a lease is none of this relationship's.
func (m *merger) foreign(l *leases.Lease) bool { return m.only != nil && !m.only[l.SubnetID] }

// full sends the batch to disk when it is large enough.
func (m *merger) full() error {
	if m.filling.Len() >= mergeBatch {
		return m.flush()
	}
	return nil
}

// flush sends the filling batch to disk and waits for the one before.
func (m *merger) flush() error {
	if err := m.wait(); err != nil || m.filling.Len() == 0 {
		return err
	}
	b, done := m.filling, make(chan error, 1)
	m.filling, m.idle, m.writing = m.idle, b, done
	m.store.Submit(b, func(_ *leases.Batch, err error) { done <- err })
	return nil
}

func (m *merger) wait() error {
	if m.writing == nil {
		return m.err
	}
	if err := <-m.writing; err != nil {
		m.err = err
	}
	m.writing = nil
	m.store.Settle(m.idle)
	m.idle.Reset()
	return m.err
}

// finish makes everything merged durable.
func (m *merger) finish() error {
	if err := m.flush(); err != nil {
		return err
	}
	return m.wait()
}

// touched remembers the addresses the partner has updated since a sync began:
// what a page says of them is older than what we have.
type touched struct {
	mu    sync.Mutex // guards the rest
	syncs int        // under way
	addrs map[netip.Addr]struct{}
}

func (t *touched) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.syncs++
	if t.addrs == nil {
		t.addrs = map[netip.Addr]struct{}{}
	}
}

func (t *touched) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.syncs--; t.syncs == 0 {
		t.addrs = nil
	}
}

// add notes an address; call it before the update is applied.
func (t *touched) add(a netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.addrs != nil {
		t.addrs[a] = struct{}{}
	}
}

// look runs merge with whether the address was updated. An update that arrives
// meanwhile waits in add, and so comes after the merge.
func (t *touched) look(a netip.Addr, merge func(updated bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, updated := t.addrs[a]
	merge(updated)
}
