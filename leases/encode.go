package leases

import (
	"encoding/binary"
	"errors"
)

// errMending: a failure is young; the disk is tried again a moment later.
var errMending = errors.New("lease database failed a moment ago")

// encode turns a commit's batches into ops: what is owed, the leases, the
// tombstones, and the end of tombstones grown old.
func (m *commit) encode(c *committer) {
	c.mu.Lock()
	for at, o := range c.owed {
		if len(m.paid) >= commitChangesMax {
			break
		}
		m.paid = append(m.paid, debt{at, o.version})
		m.ops = append(m.ops, diskOp{key: m.leaseKey(at), value: o.value, version: o.version, del: o.del})
	}
	c.mu.Unlock()
	now := uint64(c.s.o.Clock.Now().Unix())
	for _, b := range m.batches {
		for i := range b.changes {
			if ch := &b.changes[i]; !ch.later {
				m.change(ch, now)
			}
		}
	}
	m.forgot = c.s.graves.takeForgotten(m.forgot)
	for _, seq := range m.forgot {
		m.ops = append(m.ops, diskOp{key: m.tombstoneKey(seq), version: c.s.seq.Load(), del: true})
	}
}

func (m *commit) change(ch *Change, now uint64) {
	addr, _ := toU32(ch.Addr)
	key := m.leaseKey(place{ch.SubnetID, addr})
	if ch.Op == Put {
		m.ops = append(m.ops, diskOp{key: key, value: ch.value(), version: ch.Seq})
		return
	}
	m.ops = append(m.ops, diskOp{key: key, version: ch.Seq, del: true})
	if ch.quiet {
		return
	}
	grave := m.tombstoneKey(ch.Seq)
	at := len(m.keys)
	m.keys = binary.BigEndian.AppendUint32(m.keys, ch.SubnetID)
	m.keys = binary.BigEndian.AppendUint32(m.keys, addr)
	m.keys = binary.BigEndian.AppendUint64(m.keys, now)
	m.ops = append(m.ops, diskOp{key: grave, value: m.keys[at:len(m.keys):len(m.keys)], version: ch.Seq})
}

// leaseKey appends a key to the commit's buffer. Earlier keys stay valid when
// the buffer grows: they keep the old one.
func (m *commit) leaseKey(at place) []byte {
	from := len(m.keys)
	m.keys = append(m.keys, kindLease)
	m.keys = binary.BigEndian.AppendUint32(m.keys, at.subnet)
	m.keys = binary.BigEndian.AppendUint32(m.keys, at.addr)
	return m.keys[from:len(m.keys):len(m.keys)]
}

func (m *commit) tombstoneKey(seq uint64) []byte {
	from := len(m.keys)
	m.keys = append(m.keys, kindTombstone)
	m.keys = binary.BigEndian.AppendUint64(m.keys, seq)
	return m.keys[from:len(m.keys):len(m.keys)]
}
