package slowpath

import (
	"math/rand/v2"
	"slices"
	"testing"

	"needletail/internal/frame"
)

// model is the queue said plainly: a list for each class and flow.
type model struct {
	waiting [2]map[uint8][]uint32
	n       int
}

// TestQueueAgainstModel does random things to the queue and to the model.
// Nothing may be lost, nothing may come twice, and the queries of a relay keep
// their order.
func TestQueueAgainstModel(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		const size = 32
		q := newQueue(size)
		m := model{waiting: [2]map[uint8][]uint32{{}, {}}}
		relays := 1 + r.IntN(40)
		for xid := range uint32(5000) {
			switch r.IntN(5) {
			case 0, 1, 2:
				if q.room() == 0 {
					break
				}
				urgent := r.IntN(2) == 0
				kind := byte(kindDiscover)
				if urgent {
					kind = kindRequest
				}
				query := frame.Query{Message: ask(kind, xid, 10, 0, 0, byte(r.IntN(relays)))}
				q.push(&query, urgent, 0)
				m.push(urgent, flowOf(&query), xid)
			case 3:
				e := q.pop()
				if (e == nil) != (m.n == 0) {
					t.Fatalf("seed %d: pop %v with %d waiting", seed, e, m.n)
				}
				if e == nil {
					break
				}
				if !e.urgent && len(m.waiting[1]) > 0 {
					t.Fatalf("seed %d: a DISCOVER before others", seed)
				}
				m.take(t, e)
				q.release(e)
			case 4:
				if q.others() == 0 {
					break
				}
				e := q.longestOther()
				own := len(m.waiting[0][flowOf(&e.query)])
				for _, w := range m.waiting[0] {
					if len(w) > own {
						t.Fatalf("seed %d: a relay with %d waiting lost one, another has %d", seed, own, len(w))
					}
				}
				m.take(t, e)
				q.release(e)
			}
			if q.len() != m.n || q.room() != size-m.n {
				t.Fatalf("seed %d: %d waiting and room for %d, want %d waiting", seed, q.len(), q.room(), m.n)
			}
		}
	}
}

func class01(urgent bool) int {
	if urgent {
		return 1
	}
	return 0
}

func (m *model) push(urgent bool, flow uint8, xid uint32) {
	w := m.waiting[class01(urgent)]
	w[flow] = append(w[flow], xid)
	m.n++
}

// take checks that e is the oldest of its flow.
func (m *model) take(t *testing.T, e *entry) {
	t.Helper()
	w, flow := m.waiting[class01(e.urgent)], flowOf(&e.query)
	if len(w[flow]) == 0 || w[flow][0] != xidOf(e.query.Message) {
		t.Fatalf("took %d, waiting %v", xidOf(e.query.Message), w[flow])
	}
	if w[flow] = w[flow][1:]; len(w[flow]) == 0 {
		delete(w, flow)
	}
	m.n--
}

// Relays that have queries waiting take turns, whatever each has.
func TestQueueTakesTurns(t *testing.T) {
	q := newQueue(64)
	for i := range 30 {
		for relay, share := range []int{30, 3, 1} {
			if i < share {
				query := frame.Query{Message: ask(kindDiscover, uint32(relay), 10, 0, 0, byte(relay+1))}
				q.push(&query, false, 0)
			}
		}
	}
	var got []uint32
	for range 8 {
		got = append(got, xidOf(q.pop().query.Message))
	}
	if want := []uint32{0, 1, 2, 0, 1, 0, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("relays %v, want %v", got, want)
	}
}

func TestPeekType(t *testing.T) {
	with := func(options ...byte) []byte { return append(make([]byte, 240), options...) }
	for _, c := range []struct {
		name string
		m    []byte
		want uint8
	}{
		{"first", with(53, 1, 3, 255), 3},
		{"later", with(0, 61, 2, 9, 9, 53, 1, 8, 255), 8},
		{"after the end", with(255, 53, 1, 3), 0},
		{"none", with(61, 1, 9), 0},
		{"cut short", with(53, 1), 0},
		{"a length past the end", with(61, 200, 53, 1, 3), 0},
		{"no options", make([]byte, 240), 0},
		{"no message", nil, 0},
	} {
		if got := peekType(c.m); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// What a client was promised hangs on REQUEST, DECLINE and RELEASE only.
func TestUrgent(t *testing.T) {
	for kind := range 256 {
		want := kind == typeRequest || kind == typeDecline || kind == typeRelease
		if got := isUrgent(&frame.Query{Hint: frame.Hint{Valid: true, Type: uint8(kind)}}); got != want {
			t.Errorf("type %d: %t, want %t", kind, got, want)
		}
		if got := isUrgent(&frame.Query{Message: ask(byte(kind), 1), Hint: frame.Hint{Type: 3}}); got != want {
			t.Errorf("type %d, read from the message as no hint is valid: %t, want %t", kind, got, want)
		}
	}
}

func BenchmarkQueue(b *testing.B) {
	q := newQueue(BacklogMax)
	query := frame.Query{Message: ask(kindDiscover, 1, 10, 0, 0, 1)}
	b.ReportAllocs()
	for b.Loop() {
		q.push(&query, isUrgent(&query), 0)
		q.release(q.pop())
	}
}

// A relay that fills the backlog with REQUESTs loses its own, oldest first.
func TestLongestUrgent(t *testing.T) {
	q := newQueue(8)
	for i, relay := range []byte{1, 2, 1, 1} {
		query := frame.Query{Message: ask(kindRequest, uint32(i), 10, 0, 0, relay)}
		q.push(&query, true, 0)
	}
	for _, want := range []uint32{0, 2} {
		e := q.longestUrgent()
		if got := xidOf(e.query.Message); got != want {
			t.Errorf("took %d, want %d", got, want)
		}
		q.release(e)
	}
}
