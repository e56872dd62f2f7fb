package leases

// owing is a release, decline or deletion whose commit failed, or the deletion of
// a lease that was left: nobody will send it again, so the writer adds it to later
// commits until one succeeds. Otherwise a restart would bring the lease back.
type owing struct {
	value   []byte
	version uint64
	del     bool
}

// debt names an owed change.
type debt struct {
	at      place
	version uint64
}

// troubled tells whether there is something to try although no batch waits.
func (c *committer) troubled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failing || len(c.owed) > 0
}

// note keeps debts after a failure, and the log's one line per change of state.
func (c *committer) note(m *commit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.err == nil {
		c.forgive(m)
		if c.failing {
			c.failing = false
			c.s.stats.failing.Store(false)
			c.s.o.Log.Info("lease database: commits succeed again", "dir", c.s.o.Dir)
		}
		return
	}
	for _, b := range m.batches {
		c.owe(b)
	}
	if !c.failing {
		c.failing = true
		c.s.stats.failing.Store(true)
		c.s.o.Log.Error("lease database: commits fail, clients get no acknowledgements until they succeed; free some space or replace the disk",
			"dir", c.s.o.Dir, "error", m.err)
	}
}

// forgive strikes out the debts that a commit paid, or made pointless by a newer
// change of the same address.
func (c *committer) forgive(m *commit) {
	if len(c.owed) == 0 {
		return
	}
	for _, d := range m.paid {
		c.strike(d)
		c.s.stats.rewritten.Add(1)
	}
	for _, b := range m.batches {
		for i := range b.changes {
			if ch := &b.changes[i]; !ch.later {
				addr, _ := toU32(ch.Addr)
				c.strike(debt{place{ch.SubnetID, addr}, ch.Seq})
			}
		}
	}
}

// strike removes what is owed for an address up to a version.
func (c *committer) strike(d debt) {
	if o, ok := c.owed[d.at]; ok && o.version <= d.version {
		delete(c.owed, d.at)
	}
}

// owe remembers the changes of a failed batch that nobody will repeat.
func (c *committer) owe(b *Batch) {
	for i := range b.changes {
		ch := &b.changes[i]
		v := ch.value()
		if ch.later || ch.Op == Put && State(v[1]) != Released && State(v[1]) != Declined {
			continue
		}
		addr, _ := toU32(ch.Addr)
		c.add(place{ch.SubnetID, addr}, owing{value: clone(v), version: ch.Seq, del: ch.Op == Delete})
	}
}

// oweDeletion has a deletion written that no batch holds.
func (c *committer) oweDeletion(at place, version uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(at, owing{version: version, del: true})
}

func (c *committer) add(at place, o owing) {
	old, ok := c.owed[at]
	switch {
	case ok && old.version > o.version:
	case !ok && len(c.owed) >= owedMax:
		c.s.stats.owedDropped.Add(1)
	default:
		c.owed[at] = o
	}
}
