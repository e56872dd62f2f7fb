package load

const (
	wheelTick  = int64(1e6) // ns
	wheelSlots = 1 << 17    // 131 s, past the longest back-off of RFC 2131 section 4.1
	nobody     = ^uint32(0)
)

// A wheel wakes clients at a deadline, to the millisecond. A client that is
// answered first is not taken out: its entry is stale by then, which the
// caller tells by the deadline stored with the client.
type wheel struct {
	head [wheelSlots]uint32 // first entry of a slot, nobody if none
	at   int64              // ticks handled
	pool []wheelEntry
	free uint32
}

type wheelEntry struct {
	client, next uint32
	deadline     int64 // ns
}

func newWheel() *wheel {
	w := &wheel{free: nobody}
	for i := range w.head {
		w.head[i] = nobody
	}
	return w
}

// add wakes client at deadline, in ns of the run.
func (w *wheel) add(client uint32, deadline int64) {
	e := w.free
	if e == nobody {
		w.pool = append(w.pool, wheelEntry{})
		e = uint32(len(w.pool) - 1)
	} else {
		w.free = w.pool[e].next
	}
	slot := max(deadline/wheelTick, w.at+1) % wheelSlots
	w.pool[e] = wheelEntry{client: client, next: w.head[slot], deadline: deadline}
	w.head[slot] = e
}

// advance calls due for each entry whose slot lies between the last call and
// now.
func (w *wheel) advance(now int64, due func(client uint32, deadline int64)) {
	for w.at < now/wheelTick {
		w.at++
		slot := w.at % wheelSlots
		e := w.head[slot]
		w.head[slot] = nobody
		for e != nobody {
			entry := w.pool[e]
			w.pool[e].next, w.free = w.free, e
			due(entry.client, entry.deadline)
			e = entry.next
		}
	}
}
