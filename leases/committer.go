package leases

import (
	"runtime"
	"sync"
	"time"

	"needletail/internal/clock"
)

// committer makes batches durable. Whoever submits one writes it himself, where
// nobody else is writing and nothing has to be waited for (see direct). Else one
// of two goroutines does, the writer, which joins all batches that wait into one
// write. The other, the syncer, joins all writes that wait into one sync; so
// while one sync runs the next write is prepared. Both end when queue is closed.
type committer struct {
	s      *Store
	disk   disk
	queue  chan *Batch  // to the writer; Submit blocks when full
	synced chan *commit // to the syncer; has room for all commits there are
	spare  chan *commit // empty commits on their way back
	ended  sync.WaitGroup

	closing sync.RWMutex // Submit holds it shared
	closed  bool

	writing sync.Mutex // held by who writes; guards roomAt, mendAt and epoch
	roomAt  time.Time  // when there was room last
	mendAt  time.Time  // mend the disk then; zero: it is well
	epoch   int        // of writes; a mended disk begins another
	lost    int        // the syncer's: a sync of this epoch failed
	failed  chan error // syncer to writer: a sync failed, mend before writing on

	mu      sync.Mutex // guards what follows: the writer reads, the syncer writes
	owed    map[place]owing
	failing bool
}

// commit is some batches on their way to the disk.
type commit struct {
	batches []*Batch
	ops     []diskOp
	keys    []byte
	forgot  []uint64
	paid    []debt // owed changes that are in ops
	changes int
	started time.Time
	epoch   int // when it was written
	err     error
}

// Under load syncs begin apart, for the disk's and the processor's sake: what waits
// meanwhile shares one. How far apart grows with the load (clock.Pace), to syncMax: at
// 5,000 DORA a second that saves a third of the processor time of syncs a
// millisecond apart. A change that comes alone, such as a partner's who sends the next
// when it has our answer, waits for nothing.
const (
	syncMax   = 4 * time.Millisecond
	syncsFull = 5000 // changes a second, of which syncs are syncMax apart
	crowd     = 2    // changes in the last sync that mean load
)

const (
	commitChangesMax = 4096    // changes joined into one write
	owedMax          = 1 << 16 // beyond it: dropped and counted; such a lease ends with its lifetime
	commitsMax       = 8       // writes on their way, or waiting for a sync
	mendEvery        = time.Second

	// roomEvery is how long a look at the disk's free space is good for: commits
	// write to files that have their space, and nobody fills the reserve in it.
	roomEvery = 10 * time.Millisecond
)

func startCommitter(s *Store, d disk) *committer {
	c := &committer{
		s: s, disk: d, queue: make(chan *Batch, s.o.InFlightMax), synced: make(chan *commit, commitsMax),
		spare: make(chan *commit, commitsMax), owed: map[place]owing{},
		failed: make(chan error, 1), epoch: 1,
	}
	for range cap(c.spare) {
		c.spare <- new(commit)
	}
	c.ended.Add(2)
	go c.runWriter()
	go c.runSyncer()
	return c
}

// finish gives the batch back to its owner.
func (b *Batch) finish(err error) {
	b.err = err
	if b.done != nil {
		b.done(b, err)
	}
}

// runWriter joins waiting batches and writes them.
func (c *committer) runWriter() {
	defer c.ended.Done()
	defer close(c.synced)
	retry := time.NewTicker(mendEvery)
	defer retry.Stop()
	for {
		m := <-c.spare
		m.reset()
		select {
		case b, ok := <-c.queue:
			if !ok {
				return
			}
			m.take(b)
			c.join(m)
		case <-retry.C:
			if !c.troubled() {
				c.spare <- m
				continue
			}
		}
		c.writing.Lock()
		c.write(m)
		c.writing.Unlock()
		c.synced <- m
	}
}

// direct writes a batch on its owner's goroutine, which saves two switches of
// goroutines. False: somebody else writes, batches wait already, or
// the disk is not well.
func (c *committer) direct(b *Batch) bool {
	if len(c.queue) > 0 || !c.writing.TryLock() {
		return false
	}
	m := c.prompt()
	if m != nil {
		m.reset()
		m.take(b)
		c.write(m)
	}
	c.writing.Unlock()
	switch {
	case m == nil:
		return false
	case c.s.o.Durability == Sync:
		c.synced <- m
	default:
		c.finish(m)
	}
	return true
}

// prompt returns an empty commit, nil if one would have to wait. The caller
// holds writing.
func (c *committer) prompt() *commit {
	if !c.mendAt.IsZero() || len(c.failed) > 0 || !c.disk.prompt() {
		return nil
	}
	select {
	case m := <-c.spare:
		return m
	default:
		return nil
	}
}

// join adds the batches that wait already.
func (c *committer) join(m *commit) {
	for m.changes < commitChangesMax {
		select {
		case b, ok := <-c.queue:
			if !ok {
				return
			}
			m.take(b)
		default:
			return
		}
	}
}

func (m *commit) take(b *Batch) {
	m.batches = append(m.batches, b)
	m.changes += len(b.changes)
}

func (m *commit) reset() {
	clear(m.batches)
	clear(m.ops)
	*m = commit{batches: m.batches[:0], ops: m.ops[:0], keys: m.keys[:0], forgot: m.forgot[:0], paid: m.paid[:0]}
}

// write hands a commit to the disk. The caller holds writing.
func (c *committer) write(m *commit) {
	m.started = time.Now()
	m.err = c.ready()
	m.epoch = c.epoch
	if m.err == nil {
		m.encode(c)
		if len(m.ops) > 0 {
			m.err = c.disk.write(m.ops)
		}
		if m.err != nil {
			c.mendAt = m.started
		}
	}
}

// ready tells whether a write may be tried: space is there, and the disk was
// mended after a failure. The caller holds writing.
func (c *committer) ready() error {
	select {
	case <-c.failed:
		c.mendAt = time.Now()
	default:
	}
	now := time.Now()
	if now.Sub(c.roomAt) > roomEvery {
		if err := c.disk.room(); err != nil {
			return err
		}
		c.roomAt = now
	}
	if c.mendAt.IsZero() {
		return nil
	}
	if now.Before(c.mendAt) {
		return errMending
	}
	if err := c.disk.mend(); err != nil {
		c.mendAt = time.Now().Add(mendEvery)
		return err
	}
	c.mendAt = time.Time{}
	c.epoch++
	return nil
}

// runSyncer syncs what was written and gives batches back.
func (c *committer) runSyncer() {
	defer c.ended.Done()
	var held []*commit
	pace := clock.Pace{Most: syncMax, Full: syncsFull}
	for m := range c.synced {
		held = append(held[:0], m)
		for len(c.synced) > 0 {
			held = append(held, <-c.synced)
		}
		changes, began := 0, time.Now()
		for _, m := range held {
			changes += m.changes
		}
		pace.Add(changes, began)
		c.finish(held...)
		if c.s.o.Durability == Sync && changes >= crowd {
			clock.Nap(pace.Gap() - time.Since(began)) // the next commits come meanwhile and need not wake anyone
			// The runtime takes a goroutine for stuck that has not yielded for 10 ms, and
			// under load there is always a commit to go on with: see slowpath's pace.
			runtime.Gosched()
		}
	}
}

// finish syncs once for all held commits and tells their owners.
func (c *committer) finish(held ...*commit) {
	var err error
	if c.s.o.Durability == Sync {
		err = c.sync(held)
	}
	if err != nil {
		select {
		case c.failed <- err:
		default:
		}
	}
	for _, m := range held {
		if m.err == nil {
			m.err = err
		}
		c.note(m)
		c.count(m)
		if c.s.o.Durability == None {
			m.err = nil // of which nothing was promised
		}
		for _, b := range m.batches {
			c.s.stats.inFlight.Add(-1)
			b.finish(m.err)
		}
		c.spare <- m
	}
}

// sync makes commits durable, all with one. One that was written before the disk
// was mended after a failed sync has no second chance: the kernel tells an error
// once, and its next sync says nothing of pages it gave up before.
func (c *committer) sync(held []*commit) (err error) {
	written := 0
	for _, m := range held {
		if m.err == nil && m.epoch <= c.lost {
			m.err = errMending
		}
		if m.err == nil {
			written = max(written, m.epoch)
		}
	}
	if written > 0 {
		if err = c.disk.sync(); err != nil {
			c.lost = written
		}
	}
	return err
}

func (c *committer) count(m *commit) {
	st := &c.s.stats
	if m.err != nil {
		st.failures.Add(1)
		return
	}
	st.commits.Add(1)
	st.changes.Add(uint64(m.changes))
	for i := range m.ops {
		st.bytes.Add(uint64(len(m.ops[i].key) + len(m.ops[i].value)))
	}
	st.observe(time.Since(m.started))
}
