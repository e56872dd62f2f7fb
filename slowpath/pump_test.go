package slowpath

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/internal/frame"
)

// rig is a pump between fakes, running.
type rig struct {
	t     *testing.T
	port  *memoryPort
	hand  *echoHandler
	store *holdingStore
	peers *holdingPeers
	pump  *Pump
	log   bytes.Buffer
	stop  func() error
}

func newRig(t *testing.T, o PumpOptions, peers *holdingPeers) *rig {
	r := &rig{t: t, port: newMemoryPort(64), hand: new(echoHandler), store: new(holdingStore), peers: peers}
	o.Port, o.Handler, o.Store = r.port, r.hand, r.store
	if peers != nil {
		o.Replicator = peers
	}
	o.Log = slog.New(slog.NewTextHandler(&r.log, nil))
	r.pump = NewPump(o)
	return r
}

// run starts the pump; the rig's end checks that it gave everything back.
func (r *rig) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.pump.Run(ctx) }()
	stopped := false
	r.stop = func() error {
		cancel()
		stopped = true
		return <-ended
	}
	r.t.Cleanup(func() {
		if !stopped {
			r.store.letGo(nil)
			if err := r.stop(); err != nil {
				r.t.Error(err)
			}
		}
		if !r.port.closed || r.port.out != 0 || r.port.lent != 0 {
			r.t.Errorf("left behind: closed %v, %d queries, %d buffers", r.port.closed, r.port.out, r.port.lent)
		}
	})
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for range 1000 {
		if f() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

func (r *rig) hears(want ...uint32) {
	r.t.Helper()
	until(r.t, "replies", func() bool { return len(r.port.replies()) >= len(want) })
	if got := r.port.replies(); !slices.Equal(got, want) {
		r.t.Errorf("replies %v, want %v", got, want)
	}
}

// A reply to a REQUEST leaves when disk and partner are done, whichever is
// first; others do not wait; what is handled meanwhile does not either.
func TestPumpHoldsRepliesBack(t *testing.T) {
	for _, diskFirst := range []bool{true, false} {
		r := newRig(t, PumpOptions{}, new(holdingPeers))
		r.run()
		r.port.arrive(ask(kindRequest, 1), ask(kindDiscover, 2), ask(kindRelease, 3))
		until(t, "batch at the partner", func() bool { return r.peers.count() == 1 })
		r.hears(2)
		if diskFirst {
			r.store.letGo(nil)
		} else {
			r.peers.letGo()
		}
		r.port.arrive(ask(kindInform, 4))
		r.hears(2, 4)
		if diskFirst {
			r.peers.letGo()
		} else {
			r.store.letGo(nil)
		}
		r.hears(2, 4, 1)
		until(t, "nothing in flight", func() bool { return r.pump.Stats().InFlight == 0 })
	}
}

// A batch that is not durable answers nobody; the log says so once, and once
// when it is over.
func TestPumpCommitFailure(t *testing.T) {
	r := newRig(t, PumpOptions{}, nil)
	r.run()
	for xid := range uint32(3) {
		r.port.arrive(ask(kindRequest, xid))
		until(t, "batch at the store", func() bool { return r.store.count() == 1 })
		r.store.letGo(errors.New("no space left on device"))
		until(t, "dropped", func() bool { return r.hand.counted(SilenceCommitFailed) == int(xid)+1 })
	}
	r.port.arrive(ask(kindRequest, 9))
	until(t, "batch at the store", func() bool { return r.store.count() == 1 })
	r.store.letGo(nil)
	r.hears(9)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if log := r.log.String(); strings.Count(log, "cannot be written") != 1 || strings.Count(log, "written again") != 1 || strings.Count(log, "\n") != 2 {
		t.Errorf("log:\n%s", log)
	}
}

// A query that the partner refuses gets no reply, the others of its batch do.
func TestPumpRefusal(t *testing.T) {
	r := newRig(t, PumpOptions{}, &holdingPeers{})
	r.port.arrive(ask(kindRequest, 1), ask(kindRequest, 2), ask(kindRequest, 3))
	r.run()
	until(t, "batch at the partner", func() bool { return r.peers.count() == 1 && r.store.count() == 1 })
	tag := r.pump.replies.all // the slot that holds xid 2
	for i := range tag {
		if tag[i].Buf != nil && xidOf(tag[i].Message()) == 2 {
			r.peers.refuse = map[uint32]bool{uint32(i): true}
		}
	}
	r.peers.letGo()
	r.store.letGo(nil)
	r.hears(1, 3)
	until(t, "counted", func() bool { return r.hand.counted(SilenceReplicationRefused) == 1 })
}

// With nothing to await of partners the disk alone decides.
func TestPumpWithoutPartners(t *testing.T) {
	r := newRig(t, PumpOptions{}, &holdingPeers{none: true})
	r.run()
	r.port.arrive(ask(kindRequest, 1))
	until(t, "batch at the store", func() bool { return r.store.count() == 1 })
	r.store.letGo(nil)
	r.hears(1)
}

// A stop lets what is in flight finish and answers it; what was not handled is
// given back.
func TestPumpStops(t *testing.T) {
	r := newRig(t, PumpOptions{}, nil)
	r.run()
	r.port.arrive(ask(kindRequest, 1))
	until(t, "batch at the store", func() bool { return r.store.count() == 1 })
	time.AfterFunc(50*time.Millisecond, func() { r.store.letGo(nil) })
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	r.hears(1)
	if r.store.settled != 1 {
		t.Errorf("settled %d batches", r.store.settled)
	}
}

// A port that fails ends the pump with its error.
func TestPumpReportsADeadPort(t *testing.T) {
	r := newRig(t, PumpOptions{}, nil)
	r.port.fault = errors.New("gone")
	if err := r.pump.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("error %v", err)
	}
	if !r.port.closed {
		t.Error("the port is still open")
	}
}

// Past the bound in flight new DISCOVERs are dropped, REQUESTs wait, and only
// when the backlog is full of them are they dropped, the oldest first.
func TestPumpBoundsWhatIsInFlight(t *testing.T) {
	r := newRig(t, PumpOptions{InFlight: 2, Backlog: 4}, nil)
	r.port.arrive(ask(kindRequest, 1), ask(kindRequest, 2))
	r.run()
	until(t, "two in flight", func() bool { return r.pump.Stats().InFlight == 2 })
	r.port.arrive(ask(kindDiscover, 3), ask(kindRequest, 4), ask(kindRequest, 5), ask(kindRequest, 6), ask(kindRequest, 7), ask(kindRequest, 8))
	until(t, "one of each shed", func() bool {
		s := r.pump.Stats()
		return s.ShedInFlight == 1 && s.ShedRequest == 1
	})
	r.store.letGo(nil)
	r.hears(1, 2)
	until(t, "two more in flight", func() bool { return r.store.count() >= 1 && r.pump.Stats().InFlight == 2 })
	r.store.letGo(nil)
	r.hears(1, 2, 5, 6)
	until(t, "the last two", func() bool { return r.pump.Stats().InFlight == 2 && r.store.count() >= 1 })
	r.store.letGo(nil)
	r.hears(1, 2, 5, 6, 7, 8)
	if n := r.hand.counted(SilenceOverload); n != 2 {
		t.Errorf("counted %d of overload", n)
	}
}

// When the backlog is full, the relay with the most DISCOVERs loses its oldest,
// and the quiet relay is served in its turn; REQUESTs go before both.
func TestPumpShedsFairly(t *testing.T) {
	r := newRig(t, PumpOptions{Backlog: 8, Batch: 8}, nil)
	loud, quiet := []byte{192, 0, 2, 7}, []byte{198, 51, 100, 9}
	for xid := range uint32(7) {
		r.port.arrive(ask(kindDiscover, xid, loud...))
	}
	r.port.arrive(ask(kindDiscover, 100, quiet...), ask(kindDiscover, 7, loud...), ask(kindRequest, 200, quiet...))
	r.run()
	until(t, "all handled", func() bool { return len(r.hand.order()) == 8 })
	// 0 and 1 were shed: the oldest two of the loud relay.
	if got, want := r.hand.order(), []uint32{200, 2, 100, 3, 4, 5, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("handled %v, want %v", got, want)
	}
	if s := r.pump.Stats(); s.ShedBacklog != 2 {
		t.Errorf("%+v", s)
	}
}

// A DISCOVER too old for anybody to wait for its OFFER is not handled. The
// clock is the pump's own, so the test moves the pump's past.
func TestPumpDropsStaleDiscovers(t *testing.T) {
	r := newRig(t, PumpOptions{InFlight: 1}, nil)
	p := r.pump
	p.now = p.start.Add(time.Minute)
	stale, fresh := frame.Query{Message: ask(kindDiscover, 1)}, frame.Query{Message: ask(kindDiscover, 2)}
	old := frame.Query{Message: ask(kindRequest, 3)}
	p.queue.push(&stale, false, time.Minute-staleAfter-1)
	p.queue.push(&fresh, false, time.Minute-staleAfter)
	p.queue.push(&old, true, 0)
	p.serve()
	if got, want := r.hand.order(), []uint32{3}; !slices.Equal(got, want) {
		t.Errorf("handled %v, want %v: at the bound after the REQUEST", got, want)
	}
	p.air.queries = 0
	p.serve()
	if got, want := r.hand.order(), []uint32{3, 2}; !slices.Equal(got, want) || p.Stats().ShedStale != 1 {
		t.Errorf("handled %v, want %v; %+v", got, want, p.Stats())
	}
}

// DISCOVERs keep a share of each batch under a flood of other queries.
func TestPumpKeepsAShareForDiscovers(t *testing.T) {
	r := newRig(t, PumpOptions{Batch: 16, Backlog: 64}, nil)
	p := r.pump
	for xid := range uint32(40) {
		q := frame.Query{Message: ask(kindRequest, xid)}
		p.queue.push(&q, true, 0)
		q = frame.Query{Message: ask(kindDiscover, 1000+xid)}
		if xid < 20 {
			p.queue.push(&q, false, 0)
		}
	}
	p.now = p.start
	p.serve()
	discovers := 0
	for _, xid := range r.hand.order() {
		if xid >= 1000 {
			discovers++
		}
	}
	if discovers != 16/otherShare {
		t.Errorf("%d DISCOVERs in a batch of 16", discovers)
	}
}

// A port without buffers costs the reply, not the pump.
func TestPumpWithoutBuffers(t *testing.T) {
	r := newRig(t, PumpOptions{}, nil)
	r.port.bufferMax = 1
	r.run()
	r.port.arrive(ask(kindRequest, 1), ask(kindRequest, 2))
	until(t, "no buffer", func() bool { return r.hand.counted(SilenceNoBuffer) == 1 })
	until(t, "batch at the store", func() bool { return r.store.count() == 1 })
	r.store.letGo(nil)
	r.hears(1)
}
