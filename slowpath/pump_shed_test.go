package slowpath

import (
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/internal/frame"
)

// arrival is a query of a table, as D1: what it is and which relay it came by.
func arrival(t *testing.T, text string, xid uint32) frame.Query {
	t.Helper()
	kind, ok := map[byte]byte{'D': kindDiscover, 'R': kindRequest, 'L': kindRelease, 'C': typeDecline, 'I': kindInform, 'X': 77}[text[0]]
	if !ok {
		t.Fatalf("no kind %q", text)
	}
	return frame.Query{Message: ask(kind, xid, 10, 0, 0, text[1]-'0')}
}

// What goes when there is too much: what is not urgent before what is, of the relay
// that has the most, the oldest first, and all of it counted. Queries are named by
// their place in arrived.
func TestSheds(t *testing.T) {
	for _, c := range []struct {
		name    string
		backlog int
		held    int    // of the port
		full    int    // too much is in flight from this arrival on; -1: never
		arrived string // see arrival
		shed    []uint32
		count   PumpStats
	}{
		{"room for all", 4, 9, -1, "D1 R1 I1 L2", nil, PumpStats{}},
		{"the oldest DISCOVER of the loud relay", 4, 9, -1, "D1 D2 D1 D1 D2", []uint32{0}, PumpStats{ShedBacklog: 1}},
		{"a DISCOVER for a REQUEST", 3, 9, -1, "R1 D1 R1 R1", []uint32{1}, PumpStats{ShedBacklog: 1}},
		{"an INFORM for a REQUEST", 3, 9, -1, "R1 I1 R1 R1", []uint32{1}, PumpStats{ShedBacklog: 1}},
		{"an unknown type for a RELEASE", 3, 9, -1, "R1 X1 C1 L1", []uint32{1}, PumpStats{ShedBacklog: 1}},
		{"INFORMs and DISCOVERs alike", 3, 9, -1, "I1 D1 X1 D1", []uint32{0}, PumpStats{ShedBacklog: 1}},
		{"REQUESTs last, of the loud relay", 3, 9, -1, "R1 R2 R1 R2", []uint32{0}, PumpStats{ShedRequest: 1}},
		{"no DISCOVER in a REQUEST's place", 3, 9, -1, "R1 R1 R1 D1", []uint32{3}, PumpStats{ShedBacklog: 1}},
		{"but in that of a louder relay's", 3, 9, -1, "R1 R1 R1 D2", []uint32{0}, PumpStats{ShedRequest: 1}},
		{"not of one as loud", 2, 9, -1, "R1 R2 I2", []uint32{2}, PumpStats{ShedBacklog: 1}},
		{"in flight is full, nothing waits", 4, 9, 0, "D1 R1 I2 X3", []uint32{0, 2, 3}, PumpStats{ShedInFlight: 3}},
		{"in flight is full, the loud relay's go", 8, 9, 4, "D1 D1 D1 D1 D2 D2", []uint32{0, 1}, PumpStats{ShedInFlight: 2}},
		{"in flight is full, the loud relay comes last", 8, 9, 2, "D2 D1 D1 D1 D1", []uint32{1, 2, 3}, PumpStats{ShedInFlight: 3}},
		{"both are full", 2, 9, 2, "D1 R1 R2 D1", []uint32{0, 3}, PumpStats{ShedBacklog: 2}},
		{"the port holds less", 9, 3, -1, "D1 D1 D2 R1", []uint32{0}, PumpStats{ShedBacklog: 1}},
	} {
		r := newRig(t, PumpOptions{Backlog: c.backlog, InFlight: 8}, nil)
		p := r.pump
		p.heldMax, p.now = c.held, p.start.Add(time.Second)
		for xid, text := range strings.Fields(c.arrived) {
			if xid == c.full {
				p.air.queries = p.o.InFlight
			}
			q := arrival(t, text, uint32(xid))
			p.admit(&q)
		}
		var shed []uint32
		for _, q := range p.handled {
			shed = append(shed, xidOf(q.Message))
		}
		if !slices.Equal(shed, c.shed) {
			t.Errorf("%s: shed %v, want %v", c.name, shed, c.shed)
		}
		if got := p.Stats(); got != c.count {
			t.Errorf("%s: counted %+v, want %+v", c.name, got, c.count)
		}
		if got := r.hand.counted(SilenceOverload); got != len(c.shed) {
			t.Errorf("%s: %d silences of overload, want %d", c.name, got, len(c.shed))
		}
	}
}

// A port of the kernel has room for all of a backlog, and for what comes meanwhile.
func TestPortHoldsABacklog(t *testing.T) {
	ports, err := OpenUDP(PortOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer ports.Close()
	if n := ports.Worker(0).HeldMax(); n != BacklogMax {
		t.Errorf("%d queries may wait, want %d", n, BacklogMax)
	}
}

// BenchmarkShed is what a query costs for which another is shed, of many relays.
func BenchmarkShed(b *testing.B) {
	for name, full := range map[string]bool{"backlog": false, "in-flight": true} {
		b.Run(name, func(b *testing.B) {
			p := NewPump(PumpOptions{Port: newMemoryPort(1), Handler: new(echoHandler), Store: new(holdingStore)})
			p.heldMax, p.now = BacklogMax, p.start
			if full {
				p.air.queries = p.o.InFlight
			}
			var queries [64]frame.Query
			for i := range queries {
				queries[i] = frame.Query{Message: ask(kindDiscover, 1, 10, 0, 0, byte(i))}
			}
			for i := range BacklogMax {
				p.queue.push(&queries[i%64], false, 0)
			}
			if full {
				p.queue.release(p.queue.pop())
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				p.admit(&queries[i%64])
			}
		})
	}
}
