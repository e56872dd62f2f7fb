package load

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Link carries Ethernet frames. Its buffers belong to the link.
type Link interface {
	// Buffer returns space for one frame, nil if the link is full for now.
	Buffer() []byte
	// Commit queues the last Buffer with n bytes.
	Commit(n int)
	// Flush hands all queued frames to the network.
	Flush() error
	// Receive calls f for each DHCP answer and ARP request that is there,
	// perhaps other frames too, without waiting.
	Receive(f func(frame []byte)) error
	// Wait returns when a frame is there or after d.
	Wait(d time.Duration) error
}

// Generator plays clients against a server.
type Generator struct {
	cfg     Config
	link    Link
	now     func() int64 // ns, monotonic
	clients []client
	owners  owners
	idle    queue // clients without a lease
	bound   queue // clients with one
	deck    deck
	wheel   *wheel
	rng     *rand.Rand
	relays  []uint32
	server  uint32
	origin  int64 // now() when the current run began
	waiting int   // exchanges begun and not over
	res     *Result
	Tick    func(*Result) // called about once a second while a run goes on, may be nil
	ticked  int64
	pause   func(time.Duration) // returns a little after that time
}

// New makes a generator whose clients hold no lease.
func New(cfg Config, link Link) (*Generator, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	start := time.Now()
	g := &Generator{
		cfg: cfg, link: link,
		now:     func() int64 { return int64(time.Since(start)) },
		clients: make([]client, cfg.Clients),
		wheel:   newWheel(),
		pause:   sleep,
		rng:     rand.New(rand.NewPCG(uint64(cfg.Seed), 3074)),
		server:  addrU32(cfg.Server),
	}
	for i := range g.clients {
		if m := mac(cfg.Salt, uint32(i)); cfg.Only == nil || cfg.Only(append([]byte{1}, m[:]...)) {
			g.idle.push(uint32(i))
		}
	}
	for _, r := range cfg.Relays {
		g.relays = append(g.relays, addrU32(r))
	}
	return g, nil
}

func addrU32(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// Bound returns how many clients hold a lease or are about to use one.
func (g *Generator) Bound() int { return g.bound.len() }

// Set changes rate, mix, duration and retransmission for the next Run.
func (g *Generator) Set(mix Mix, rate float64, d time.Duration, retransmit bool) {
	g.cfg.Mix, g.cfg.Rate, g.cfg.Duration, g.cfg.Retransmit = mix, rate, d, retransmit
}

// Await changes the timeout for the next Run.
func (g *Generator) Await(timeout time.Duration) { g.cfg.Timeout = timeout }

// Drain throws away for d what still arrives, so that one Run's late answers
// do not load the next.
func (g *Generator) Drain(d time.Duration) error {
	for end := g.now() + int64(d); g.now() < end; {
		if err := g.link.Wait(time.Duration(end - g.now())); err != nil {
			return fmt.Errorf("load: wait: %w", err)
		}
		if err := g.link.Receive(func([]byte) {}); err != nil {
			return fmt.Errorf("load: receive: %w", err)
		}
	}
	return nil
}

// Run begins exchanges for the configured duration, then awaits the last
// answers. Clients keep their leases for the next Run. Once ctx ends it stops at
// once and returns, beside the error, what it saw until then.
func (g *Generator) Run(ctx context.Context) (*Result, error) {
	g.res = newResult(&g.cfg)
	g.deck = deck{mix: g.cfg.Mix}
	g.origin = g.now()
	g.ticked = g.origin
	begun, total := int64(0), int64(g.cfg.Rate*g.cfg.Duration.Seconds())
	for begun < total || g.waiting > 0 {
		if ctx.Err() != nil {
			return g.interrupted(), context.Cause(ctx)
		}
		now := g.now()
		if begun < total {
			begun += g.begin(now, begun, total)
			g.res.Behind = max(time.Duration(now-g.origin)-g.cfg.Duration, 0).Seconds()
		}
		if err := g.link.Receive(g.receive); err != nil {
			return nil, fmt.Errorf("load: receive: %w", err)
		}
		g.wheel.advance(g.now(), g.expire)
		if begun < total {
			at := g.now()
			g.res.open(g.due(at, total)-begun+int64(g.waiting), at-g.origin)
		}
		if err := g.link.Flush(); err != nil {
			return nil, fmt.Errorf("load: send: %w", err)
		}
		g.tick(now)
		if err := g.rest(begun, total); err != nil {
			return nil, err
		}
	}
	g.res.finish(time.Duration(g.now() - g.origin))
	return g.res, nil
}

// interrupted ends a run early. Exchanges that are not over count neither as
// done nor as lost, and what is told per second is of the time there was.
func (g *Generator) interrupted() *Result {
	for n := range g.clients {
		if c := &g.clients[n]; c.busy {
			g.retire(uint32(n), c)
		}
	}
	took := time.Duration(g.now() - g.origin)
	g.res.Interrupted, g.res.Seconds = true, min(took, g.cfg.Duration).Seconds()
	g.res.finish(took)
	return g.res
}

// burstMax bounds the exchanges begun between two looks at the answers.
const burstMax = 128

// due returns how many of all exchanges should have begun by now.
func (g *Generator) due(now, total int64) int64 {
	return min(int64(float64(now-g.origin)*g.cfg.Rate/1e9)+1, total)
}

// begin starts the exchanges that are due and returns how many schedule
// entries it used up. Those that no client is free for, or that come too late
// to be answered in time, count as skipped: the generator was given too few
// clients or too little processor for the rate.
func (g *Generator) begin(now, begun, total int64) int64 {
	due := min(g.due(now, total)-begun, burstMax)
	for i := range due {
		at := g.origin + int64(float64(begun+i)*1e9/g.cfg.Rate)
		if now-at > int64(g.cfg.Timeout) || !g.start(g.deck.next(), at, now) {
			g.res.Skipped++
		}
	}
	return max(due, 0)
}

// A fast generator does not look at every frame as it comes, as little as a NIC
// that moderates its interrupts does: from fastRate exchanges a second on it
// sleeps for quantum between two looks, which latencies then include. The
// processor time this saves is the server's.
const (
	fastRate = 5000
	quantum  = 100 * time.Microsecond
)

// rest waits until something is due or an answer comes, so that the generator
// leaves the processor to the server it shares it with.
func (g *Generator) rest(begun, total int64) error {
	wait := time.Millisecond
	if begun < total {
		next := g.origin + int64(float64(begun)*1e9/g.cfg.Rate)
		wait = min(wait, time.Duration(next-g.now()))
	}
	switch {
	case wait <= -quantum: // there is work for a whole round already
		return nil
	case g.cfg.Rate > fastRate && begun < total:
		g.pause(quantum)
		return nil
	case wait < 20*time.Microsecond:
		return nil
	}
	if err := g.link.Wait(wait); err != nil {
		return fmt.Errorf("load: wait: %w", err)
	}
	return nil
}

func (g *Generator) tick(now int64) {
	if g.Tick != nil && now-g.ticked >= int64(time.Second) {
		g.ticked = now
		g.res.elapsed(time.Duration(now - g.origin))
		g.Tick(g.res)
	}
}
