package slowpath

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/leases"
)

// BenchmarkPump measures whole exchanges (DISCOVER, OFFER, REQUEST, ACK) of ever
// other clients through a pump, the engine and the lease store; one operation is
// one exchange. outstanding clients are in the middle of one at any time.
func BenchmarkPump(b *testing.B) {
	for _, d := range []leases.Durability{leases.None, leases.OS, leases.Sync} {
		b.Run(fmt.Sprint(d), func(b *testing.B) { benchPump(b, d, b.TempDir()) })
	}
	b.Run("memory", func(b *testing.B) { benchPump(b, leases.None, "") })
}

// noCache makes every ACK need a write, also of a client that comes again.
var noCache = strings.Replace(benchConfig, `"valid-lifetime"`, `"cache-threshold": 0.0, "valid-lifetime"`, 1)

func benchPump(b *testing.B, d leases.Durability, dir string) {
	const outstanding = 2000 // below BacklogMax: nothing is shed
	cfg, err := config.Parse("bench", []byte(noCache))
	if err != nil {
		b.Fatal(err)
	}
	store, err := leases.Open(context.Background(), leases.Options{Dir: dir, Durability: d})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	e, err := NewEngine(cfg, store, []Interface{{Name: "eth0", Index: 1, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}})
	if err != nil {
		b.Fatal(err)
	}
	port := newClientPort(outstanding)
	p := NewPump(PumpOptions{Port: port, Handler: e.NewWorker(), Store: store})
	port.goal = 20_000 // warm: pages touched, clients known to the tables
	runPump(b, p, port)
	b.ReportAllocs()
	b.ResetTimer()
	port.resume(b.N)
	p = NewPump(PumpOptions{Port: port, Handler: e.NewWorker(), Store: store})
	runPump(b, p, port)
	b.StopTimer()
	if s := p.Stats(); s.ShedBacklog+s.ShedInFlight+s.ShedRequest+s.NoBuffer > 0 {
		b.Errorf("shed: %+v", s)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "DORA/s")
	b.ReportMetric(float64(p.Stats().Committed)/float64(p.Stats().Batches), "leases/batch")
}

func runPump(b *testing.B, p *Pump, port *clientPort) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	port.finish = cancel
	if err := p.Run(ctx); err != nil {
		b.Fatal(err)
	}
}

// clientPort is a Port with clients inside: a reply is answered by the client's
// next message at once. Owned by the pump's goroutine, Wake apart.
type clientPort struct {
	ready    [][]byte // messages to be received
	spare    [][]byte // messages not in use
	buffers  [][]byte
	client   uint32
	clients  int // in the middle of an exchange
	acks     int
	goal     int
	finish   func()
	wake     chan struct{}
	discover []byte
	request  []byte
	timer    *time.Timer
}

func newClientPort(outstanding int) *clientPort {
	p := &clientPort{clients: outstanding, wake: make(chan struct{}, 1), discover: benchDiscover(), request: benchRequest([4]byte{}), timer: time.NewTimer(time.Hour)}
	for range InFlightMax + BatchMax + 1 {
		p.buffers = append(p.buffers, make([]byte, frame.Headroom+frame.MessageMax))
	}
	for range outstanding {
		p.spare = append(p.spare, make([]byte, 600))
		p.begin()
	}
	return p
}

// resume starts over for another goal.
func (p *clientPort) resume(goal int) {
	p.spare = append(p.spare, p.ready...)
	p.ready = p.ready[:0]
	p.acks, p.goal = 0, goal
	for range p.clients {
		p.begin()
	}
}

// begin has another client say DISCOVER; they are 60,000.
func (p *clientPort) begin() {
	p.client = (p.client + 1) % 60_000
	p.say(p.discover, p.client, nil)
}

func (p *clientPort) say(what []byte, client uint32, yiaddr []byte) {
	m := p.spare[len(p.spare)-1][:len(what)]
	p.spare = p.spare[:len(p.spare)-1]
	copy(m, what)
	binary.BigEndian.PutUint32(m[4:], client)
	binary.BigEndian.PutUint32(m[offChaddr+2:], client)
	if yiaddr == nil {
		binary.BigEndian.PutUint32(m[offOptions+7:], client) // client identifier
	} else {
		copy(m[offOptions+5:], yiaddr)
		binary.BigEndian.PutUint32(m[offOptions+19:], client)
	}
	p.ready = append(p.ready, m)
}

func (p *clientPort) Receive(qs []frame.Query, wait time.Duration) (int, error) {
	if len(p.ready) == 0 || len(qs) == 0 {
		if wait > 0 {
			p.timer.Reset(wait)
			select {
			case <-p.wake:
			case <-p.timer.C:
			}
		}
		return 0, nil
	}
	n := min(len(qs), len(p.ready))
	for i := range n {
		qs[i] = frame.Query{Message: p.ready[i], IfIndex: 1, Link: frame.Link{Dst: allBroadcast, SrcPort: 68, DstPort: 67}}
	}
	p.ready = p.ready[:copy(p.ready, p.ready[n:])]
	return n, nil
}

func (p *clientPort) Done(qs []frame.Query) {
	for i := range qs {
		p.spare = append(p.spare, qs[i].Message[:600])
	}
}

func (p *clientPort) Buffer(r *frame.Reply) bool {
	n := len(p.buffers)
	if n == 0 {
		return false
	}
	r.Buf, p.buffers = p.buffers[n-1], p.buffers[:n-1]
	return true
}

func (p *clientPort) Send(rs []frame.Reply) {
	for i := range rs {
		m := rs[i].Message()
		if len(p.spare) == 0 {
			p.spare = append(p.spare, make([]byte, 600)) // Done comes after Send
		}
		if m[offOptions+2] == typeOffer {
			p.say(p.request, binary.BigEndian.Uint32(m[4:]), m[offYiaddr:offYiaddr+4])
		} else {
			p.begin()
			if p.acks++; p.acks == p.goal {
				p.finish()
			}
		}
		p.Drop(&rs[i])
	}
}

func (p *clientPort) HeldMax() int { return BacklogMax }

func (p *clientPort) Drop(r *frame.Reply) { p.buffers = append(p.buffers, r.Buf) }

func (p *clientPort) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *clientPort) Close() error {
	if len(p.buffers) != InFlightMax+BatchMax+1 {
		return errors.New("buffers are missing")
	}
	return nil
}
