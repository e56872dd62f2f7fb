package leases

import "errors"

// Submit hands a batch to the committer. done runs once, on the committer's
// goroutine or, where no sync is awaited, before Submit returns, and must not
// block; its error says that the changes are not on disk. The batch
// is the store's until then. Submit blocks while InFlightMax batches wait.
func (s *Store) Submit(b *Batch, done func(*Batch, error)) {
	b.done = done
	c := s.disk
	if c == nil || len(b.changes) == 0 {
		done(b, nil)
		return
	}
	c.closing.RLock()
	defer c.closing.RUnlock()
	if c.closed {
		b.finish(ErrClosed)
		return
	}
	s.stats.inFlight.Add(1)
	switch {
	case c.direct(b):
	case s.o.Durability == None:
		c.queue <- b.copy()
		b.finish(nil)
	default:
		c.queue <- b
	}
}

// copy returns a batch with the same changes that nobody waits for.
func (b *Batch) copy() *Batch {
	n := &Batch{changes: append([]Change(nil), b.changes...), arena: append([]byte(nil), b.arena...)}
	for i := range n.changes {
		n.changes[i].batch = n
	}
	return n
}

// Close finishes what was submitted and closes the database.
func (s *Store) Close() error {
	c := s.disk
	if c == nil {
		return nil
	}
	c.closing.Lock()
	if c.closed {
		c.closing.Unlock()
		return nil
	}
	c.closed = true
	close(c.queue)
	c.closing.Unlock()
	c.ended.Wait()
	return errors.Join(c.settleDebts(), c.disk.close())
}

// settleDebts is the last write, when both goroutines have ended.
func (c *committer) settleDebts() error {
	if len(c.owed) == 0 {
		return nil
	}
	m := new(commit)
	c.write(m)
	if m.err == nil {
		m.err = c.disk.sync()
	}
	return m.err
}
