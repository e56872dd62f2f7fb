package slowpath

import (
	"errors"
	"sync"
	"time"

	"needletail/internal/frame"
	"needletail/leases"
)

// memoryPort is a Port whose network is two slices. It checks that the pump
// keeps the rules of Port: every query comes back once, every buffer too.
type memoryPort struct {
	mu        sync.Mutex
	arrived   []frame.Query
	sent      []uint32 // xid of each reply, in order
	out       int      // queries not given back
	lent      int      // buffers not given back
	bufferMax int
	heldMax   int // 0: BacklogMax; fixed once the pump runs
	closed    bool
	fault     error
	wake      chan struct{}
	spare     [][]byte
}

func newMemoryPort(buffers int) *memoryPort {
	return &memoryPort{bufferMax: buffers, wake: make(chan struct{}, 1)}
}

func (p *memoryPort) arrive(messages ...[]byte) {
	p.mu.Lock()
	for _, m := range messages {
		p.arrived = append(p.arrived, frame.Query{Message: m, IfIndex: 1})
	}
	p.mu.Unlock()
	p.Wake()
}

func (p *memoryPort) Receive(qs []frame.Query, wait time.Duration) (int, error) {
	n, err := p.poll(qs)
	if n > 0 || err != nil || wait <= 0 {
		return n, err
	}
	select {
	case <-p.wake:
	case <-time.After(wait):
	}
	return p.poll(qs)
}

func (p *memoryPort) poll(qs []frame.Query) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := copy(qs, p.arrived)
	p.arrived = p.arrived[n:]
	p.out += n
	return n, p.fault
}

func (p *memoryPort) Done(qs []frame.Query) {
	p.mu.Lock()
	p.out -= len(qs)
	p.mu.Unlock()
}

func (p *memoryPort) HeldMax() int {
	if p.heldMax > 0 {
		return p.heldMax
	}
	return BacklogMax
}

func (p *memoryPort) Buffer(r *frame.Reply) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lent == p.bufferMax {
		return false
	}
	p.lent++
	if n := len(p.spare); n > 0 {
		r.Buf, p.spare = p.spare[n-1], p.spare[:n-1]
	} else {
		r.Buf = make([]byte, frame.Headroom+frame.MessageMax)
	}
	return true
}

func (p *memoryPort) Send(rs []frame.Reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range rs {
		p.sent = append(p.sent, xidOf(rs[i].Message()))
		p.spare = append(p.spare, rs[i].Buf)
	}
	p.lent -= len(rs)
}

func (p *memoryPort) Drop(r *frame.Reply) {
	p.mu.Lock()
	p.lent--
	p.spare = append(p.spare, r.Buf)
	p.mu.Unlock()
}

func (p *memoryPort) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *memoryPort) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errors.New("closed twice")
	}
	p.closed = true
	return nil
}

func (p *memoryPort) replies() []uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]uint32(nil), p.sent...)
}

func xidOf(m []byte) uint32 {
	return uint32(m[4])<<24 | uint32(m[5])<<16 | uint32(m[6])<<8 | uint32(m[7])
}

// ask makes a query of a kind (option 53) with an xid, from a relay.
func ask(kind byte, xid uint32, relay ...byte) []byte {
	m := wireQuery(xid)
	m[242] = kind
	copy(m[24:], relay)
	return m
}

// Kinds of queries the tests use.
const (
	kindDiscover = 1
	kindRequest  = 3
	kindRelease  = 7
	kindInform   = 8
)

// echoHandler answers everything with the query's xid: DISCOVER and INFORM at
// once, REQUEST when durable, RELEASE never. It appends no changes, which the
// fakes for the store do not look at.
type echoHandler struct {
	mu      sync.Mutex
	handled []uint32
	silence [silenceCount]int
}

func (h *echoHandler) Handle(q *frame.Query, r *frame.Reply, b *leases.Batch, tag uint32, _ time.Time) Outcome {
	h.mu.Lock()
	h.handled = append(h.handled, xidOf(q.Message))
	h.mu.Unlock()
	r.Len = copy(r.Message(), q.Message)
	switch q.Message[242] {
	case kindRequest:
		b.Query(tag, 0)
		return Outcome{Reply: true, Pending: true}
	case kindRelease:
		b.Query(tag, 0)
		return Outcome{Pending: true}
	}
	return Outcome{Reply: true}
}

func (h *echoHandler) Count(s Silence) {
	h.mu.Lock()
	h.silence[s]++
	h.mu.Unlock()
}

func (h *echoHandler) counted(s Silence) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.silence[s]
}

func (h *echoHandler) order() []uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]uint32(nil), h.handled...)
}

// holdingStore keeps batches until the test lets them go.
type holdingStore struct {
	mu      sync.Mutex
	held    []func(error)
	settled int
}

func (s *holdingStore) Submit(b *leases.Batch, done func(*leases.Batch, error)) {
	s.mu.Lock()
	s.held = append(s.held, func(err error) { done(b, err) })
	s.mu.Unlock()
}

func (s *holdingStore) Settle(*leases.Batch) {
	s.mu.Lock()
	s.settled++
	s.mu.Unlock()
}

func (s *holdingStore) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}

// letGo finishes all held batches on a goroutine of its own.
func (s *holdingStore) letGo(err error) {
	s.mu.Lock()
	held := s.held
	s.held = nil
	s.mu.Unlock()
	go func() {
		for _, done := range held {
			done(err)
		}
	}()
}

// holdingPeers is a Replicator that keeps batches likewise.
type holdingPeers struct {
	mu      sync.Mutex
	none    bool // nothing to await
	refuse  map[uint32]bool
	absence time.Duration // TakenOverAfter
	held    []func()
}

func (p *holdingPeers) Replicate(b *leases.Batch, done func(*leases.Batch)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.none {
		return false
	}
	p.held = append(p.held, func() {
		for i, q := range b.Queries() {
			if p.refuse[q.Tag] {
				b.Refuse(i)
			}
		}
		done(b)
	})
	return true
}

func (p *holdingPeers) TakenOverAfter() time.Duration { return p.absence }

func (p *holdingPeers) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held)
}

func (p *holdingPeers) letGo() {
	p.mu.Lock()
	held := p.held
	p.held = nil
	p.mu.Unlock()
	for _, f := range held {
		f()
	}
}
