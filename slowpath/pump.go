package slowpath

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/clock"
	"needletail/internal/frame"
	"needletail/internal/thread"
	"needletail/leases"
)

// Limits of a pump that the configuration leaves open. Beyond them queries are
// shed and counted, see PumpStats.
const (
	InFlightMax = 16384 // queries of one worker whose changes are on their way to disk and partner
	BacklogMax  = 32768 // queries received and not yet handled; a tenth of a second of work or more
	BatchMax    = 128   // queries handled between two looks at port and completions

	roundsMax  = 4                // times the port is emptied between batches, if there is too much
	receiveMax = 256              // queries taken from the port at once
	flightsMax = 128              // batches on their way at once; past it batches grow
	idleWait   = time.Second      // an idle worker looks around this often
	drainMax   = 10 * time.Second // a stopping worker waits this long for commits
	drainStep  = 50 * time.Millisecond
)

// Handler decides on queries; *Worker does. It belongs to the pump's goroutine.
type Handler interface {
	Handle(q *frame.Query, r *frame.Reply, b *leases.Batch, tag uint32, now time.Time) Outcome
	Count(s Silence)
}

// Committer makes lease changes durable; *leases.Store does.
type Committer interface {
	// Submit takes the changes to disk and calls done exactly once, from any
	// goroutine, with the error if they are not durable.
	Submit(b *leases.Batch, done func(*leases.Batch, error))
	// Settle is called once disk and partners are both done with b.
	Settle(b *leases.Batch)
}

// PumpOptions says what a pump connects. Zero limits take the defaults.
type PumpOptions struct {
	Port       Port // closed by the pump
	Handler    Handler
	Store      Committer
	Replicator Replicator // nil: nobody to replicate to
	Health     *Health    // shared by all pumps of a server; nil: one of its own
	Traffic    *Traffic   // so too

	InFlight int // InFlightMax
	Backlog  int // BacklogMax; less where the port can hold less
	Batch    int // BatchMax
	Pin      bool
	CPU      int         // of Pin
	Clock    clock.Clock // nil: the machine's
	Log      *slog.Logger
}

// A Pump is the loop of one worker: it takes queries from a port, has them
// handled, sends what may leave at once, and holds the other replies back until
// their changes are on disk and at the partners. It never waits for either
// while there are queries. All fields belong to the goroutine of Run except
// where another owner is named.
type Pump struct {
	o       PumpOptions
	queue   *queue
	heldMax int           // of the port, this turn
	fresh   []frame.Query // where Receive puts queries
	handled []frame.Query // to be given back to the port
	out     []frame.Reply // to be sent
	replies replySlots
	air     airspace
	now     time.Time
	start   time.Time
	pace    pace
	absence absence
	count   pumpCounters // atomic, read by anybody
}

// NewPump returns a pump that Run sets in motion. It owns the port from now on.
func NewPump(o PumpOptions) *Pump {
	setDefault(&o.InFlight, InFlightMax)
	setDefault(&o.Backlog, BacklogMax)
	setDefault(&o.Batch, BatchMax)
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Health == nil {
		o.Health = NewHealth(o.Log)
	}
	if o.Traffic == nil {
		o.Traffic = new(Traffic)
	}
	p := &Pump{
		o:       o,
		queue:   newQueue(o.Backlog),
		fresh:   make([]frame.Query, receiveMax),
		handled: make([]frame.Query, 0, receiveMax+o.Batch),
		out:     make([]frame.Reply, 0, o.InFlight+o.Batch+1),
		start:   o.Clock.Now(),
		pace:    newPace(o.Traffic),
	}
	p.replies.init(o.InFlight + 1)
	p.air.init(p)
	return p
}

func setDefault(n *int, d int) {
	if *n <= 0 {
		*n = d
	}
}

// Run serves until ctx ends or the port fails, then waits for what is in
// flight, sends those replies and closes the port. It returns nil after a stop
// that was asked for.
func (p *Pump) Run(ctx context.Context) error {
	runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine
	thread.Prefer(preferred)
	if p.o.Pin {
		if err := pin(p.o.CPU); err != nil {
			return errors.Join(err, p.o.Port.Close())
		}
	}
	stopWaking := context.AfterFunc(ctx, p.o.Port.Wake)
	defer stopWaking()
	var err error
	for ctx.Err() == nil && err == nil {
		err = p.turn()
	}
	if err != nil {
		err = fmt.Errorf("receive DHCP queries: %w", err)
	}
	p.drain()
	return errors.Join(err, p.o.Port.Close())
}

// preferred is how much nicer the rest of the process is than a pump: where processors
// are short, clients come before what can wait, a journal being folded or Badger's
// compactions.
const preferred = 5

// pin moves the locked thread to one CPU.
func pin(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin a worker to CPU %d (see cpus in user-context.needletail): %w", cpu, err)
	}
	return nil
}

// turn is one round: what has arrived, what has become durable, one batch.
func (p *Pump) turn() error {
	limit := p.takenOverAfter()
	n, err := p.o.Port.Receive(p.fresh, p.patience(limit))
	p.air.awake()
	p.now = p.o.Clock.Now()
	p.absence.look(p.now, p.start, limit, n < len(p.fresh))
	p.pace.begin(n, time.Now())
	p.land()
	p.heldMax = p.o.Port.HeldMax()
	p.admitAll(n)
	for round := 1; round < roundsMax && err == nil && n == len(p.fresh) && p.behind(); round++ {
		n, err = p.o.Port.Receive(p.fresh, 0)
		p.admitAll(n)
	}
	p.serve()
	p.takeOff()
	p.land() // a commit that awaits no sync is done
	p.flush()
	if !p.canServe() {
		p.pace.rest()
	}
	return err
}

// admitAll takes the first n fresh queries in, and gives back what was shed for
// them, so that the port has memory for more.
func (p *Pump) admitAll(n int) {
	for i := range p.fresh[:n] {
		p.admit(&p.fresh[i])
	}
	p.done()
}

// behind reports whether there is more work than can be done. Then it pays to
// empty the port faster than to handle queries: what overflows in the kernel is
// lost without looking, here the right queries are shed.
func (p *Pump) behind() bool { return p.room() < len(p.fresh) }

// room is how many more queries may wait: no more than leave the port memory to
// receive into, or the kernel would drop whatever comes.
func (p *Pump) room() int { return min(p.queue.room(), p.heldMax-p.queue.len()) }

// takenOverAfter is how long the pump may not run before what waited is stale.
func (p *Pump) takenOverAfter() time.Duration {
	if p.o.Replicator == nil {
		return 0
	}
	return p.o.Replicator.TakenOverAfter()
}

// patience is how long Receive may wait: not at all if a batch can be handled.
func (p *Pump) patience(limit time.Duration) time.Duration {
	if p.canServe() || !p.air.doze() {
		return 0
	}
	return p.absence.idle(limit)
}

// flush sends what may leave and gives queries back.
func (p *Pump) flush() {
	if len(p.out) > 0 {
		p.o.Port.Send(p.out)
		p.out = p.out[:0]
	}
	p.done()
}

// done gives queries back to the port.
func (p *Pump) done() {
	if len(p.handled) > 0 {
		p.o.Port.Done(p.handled)
		p.handled = p.handled[:0]
	}
}

// drain gives up what was not handled and waits for what is in flight.
func (p *Pump) drain() {
	for e := p.queue.pop(); e != nil; e = p.queue.pop() {
		p.handled = append(p.handled[:0], e.query)
		p.o.Port.Done(p.handled)
		p.queue.release(e)
	}
	p.handled = p.handled[:0]
	p.replies.dropSpare(p.o.Port)
	for deadline := time.Now().Add(drainMax); p.air.up > 0 && time.Now().Before(deadline); {
		if p.air.doze() {
			if _, err := p.o.Port.Receive(nil, drainStep); err != nil {
				time.Sleep(drainStep) // a dead port cannot wait for us
			}
		}
		p.air.awake()
		p.land()
		p.flush()
	}
	if p.air.up > 0 {
		p.o.Log.Error("stopped before all lease changes were durable; their clients got no answer", "queries", p.air.queries)
	}
}
