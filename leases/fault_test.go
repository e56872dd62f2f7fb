package leases

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// faultDisk is a disk in memory that fails where a test says. What was written
// but not synced survives a crash only in part.
type faultDisk struct {
	mu      sync.Mutex
	written map[string]diskOp // page cache
	durable map[string]diskOp // after sync
	pending []diskOp          // written since the last sync
	calls   int
	fail    func(call int) bool // write or sync number call fails
	half    bool                // a write that fails does half of its work
	bad     bool                // until mend
	mended  int
}

var errInjected = errors.New("injected")

func newFaultDisk() *faultDisk {
	return &faultDisk{written: map[string]diskOp{}, durable: map[string]diskOp{}, fail: func(int) bool { return false }}
}

func put(m map[string]diskOp, o diskOp) {
	if old, ok := m[string(o.key)]; !ok || old.version <= o.version {
		m[string(o.key)] = diskOp{key: bytes.Clone(o.key), value: bytes.Clone(o.value), version: o.version, del: o.del}
	}
}

func (d *faultDisk) load(f func(key, value []byte) error) error {
	var keys []string
	for k, o := range d.written {
		if !o.del {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if err := f([]byte(k), d.written[k].value); err != nil {
			return err
		}
	}
	return nil
}

func (d *faultDisk) maxVersion() (v uint64) {
	for _, o := range d.written {
		v = max(v, o.version)
	}
	return v
}

func (d *faultDisk) room() error  { return nil }
func (d *faultDisk) close() error { return nil }
func (d *faultDisk) prompt() bool { return true }

func (d *faultDisk) write(ops []diskOp) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	failed := d.fail(d.calls)
	if failed && d.half {
		ops = ops[:len(ops)/2]
	}
	if !failed || d.half {
		for _, o := range ops {
			put(d.written, o)
			d.pending = append(d.pending, diskOp{key: bytes.Clone(o.key), value: bytes.Clone(o.value), version: o.version, del: o.del})
		}
	}
	if failed {
		return errInjected
	}
	return nil
}

func (d *faultDisk) sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if d.bad || d.fail(d.calls) {
		d.bad = true
		return errInjected
	}
	d.flush(len(d.pending))
	return nil
}

func (d *faultDisk) flush(n int) {
	for _, o := range d.pending[:n] {
		put(d.durable, o)
	}
	d.pending = d.pending[n:]
}

func (d *faultDisk) mend() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flush(len(d.pending))
	d.bad = false
	d.mended++
	return nil
}

// crash is the power going: part of what was not synced is there.
func (d *faultDisk) crash(rng *rand.Rand) *faultDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flush(rng.IntN(len(d.pending) + 1))
	after := newFaultDisk()
	for k, o := range d.durable {
		after.written[k], after.durable[k] = o, o
	}
	return after
}

var faultNetwork = []Network{{Subnets: []Subnet{{ID: 1, Prefix: netip.MustParsePrefix("192.0.2.0/24"),
	Pools: pools("192.0.2.10", "192.0.2.40")}}}}

func openFault(t *testing.T, d disk, clock *fakeClock) *Store {
	s := newStore(Options{Dir: "fault", Clock: clock, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	err := s.openDisk(t.Context(), func(string, *Options) (disk, error) { return d, nil })
	if err != nil {
		t.Fatal(err)
	}
	s.SetTimes(Times{Offer: 10 * time.Second, Affinity: 100 * time.Second})
	if err := s.Configure(faultNetwork); err != nil {
		t.Fatal(err)
	}
	return s
}

// acked is what a client was told about an address, and the number it has.
type acked struct {
	who   string
	until int64
	seq   uint64
}

// faultRun makes random changes, one batch at a time, and keeps what was
// acknowledged.
type faultRun struct {
	t     *testing.T
	s     *Store
	clock *fakeClock
	rng   *rand.Rand
	acks  map[netip.Addr]acked
	fails int
}

func (r *faultRun) run(steps int) {
	var b Batch
	for range steps {
		for range 1 + r.rng.IntN(4) {
			r.change(&b)
		}
		r.clock.now = r.clock.now.Add(time.Duration(r.rng.IntN(4)) * time.Second)
		err := r.commit(&b)
		if err != nil {
			r.fails++
		}
	}
}

func (r *faultRun) commit(b *Batch) error {
	done := make(chan error, 1)
	r.s.Submit(b, func(_ *Batch, err error) { done <- err })
	err := <-done
	r.s.Settle(b)
	for i := range b.Changes() {
		c := &b.Changes()[i]
		l := c.Lease()
		if c.Op == Delete && (!c.later || err == nil) || l.State != Active {
			delete(r.acks, c.Addr) // its client gave it up, committed or not
		} else if c.Op == Delete {
			continue
		} else if err == nil {
			r.acks[c.Addr] = acked{fmt.Sprintf("%x %x", l.HW, l.ClientID), l.Expires().Unix(), c.Seq}
		}
	}
	b.Reset()
	return err
}

// granted checks that nobody else was told to have the address still.
func (r *faultRun) granted(a netip.Addr, who *Client, now int64) {
	if have, ok := r.acks[a]; ok && have.until > now && have.who != fmt.Sprintf("%x %x", who.hw(), who.ID) {
		if !strings.HasPrefix(have.who, fmt.Sprintf("%x ", who.hw())) { // Kea's rule may make them the same
			r.t.Errorf("%v is %s's for %d s yet, and given to %x", a, have.who, have.until-now, who.hw())
		}
	}
}

func (r *faultRun) change(b *Batch) {
	who := testClient(r.rng.IntN(25))
	now := r.clock.now.Unix()
	if r.rng.IntN(8) == 0 {
		r.s.Reclaim(b, r.clock.now, 3, nil)
		return
	}
	tx := r.s.Begin(0)
	defer tx.End()
	v, ok := tx.Find(0, &who)
	switch op := r.rng.IntN(10); {
	case ok && v.State == Active && op == 0:
		tx.Release(b, v.Addr, now)
	case ok && v.State == Active && op == 1:
		tx.Decline(b, v.Addr, now, 20)
	case ok && v.State == Active && op == 2:
		tx.Leave(b, v.Addr)
	default:
		if !ok || v.State != Active {
			if v, ok = tx.Allocate(0, nil, &who, netip.Addr{}, now); !ok {
				return
			}
		}
		r.granted(v.Addr, &who, now)
		if err := tx.Commit(b, v.Addr, &who, &Grant{CLTT: now, ValidLft: 10 + r.rng.Uint32N(100)}); err != nil {
			r.t.Error(err)
		}
	}
}

func newFaultRun(t *testing.T, d disk, seed uint64) *faultRun {
	clock := &fakeClock{time.Unix(1_700_000_000, 0)}
	return &faultRun{t: t, s: openFault(t, d, clock), clock: clock, rng: rand.New(rand.NewPCG(seed, 1)), acks: map[netip.Addr]acked{}}
}

const faultSteps = 60

// TestCrashAtEveryWrite stops the disk for good at each of its writes and syncs
// in turn, loses part of what was not synced, and opens the rest: every lease
// that was acknowledged must be there, with no earlier end.
func TestCrashAtEveryWrite(t *testing.T) {
	last := false
	for at := 1; !last; at++ {
		d := newFaultDisk()
		d.half = at%2 == 0
		stopped := false
		r := newFaultRun(t, d, 3)
		from := d.calls
		d.fail = func(call int) bool { stopped = stopped || call-from >= at; return stopped }
		r.run(faultSteps)
		last = !stopped
		r.s.Close()
		again := openFault(t, d.crash(r.rng), r.clock)
		r.present(again, fmt.Sprintf("stopped at write %d", at))
		again.Close()
		if t.Failed() {
			return
		}
	}
}

// present checks that the acknowledged leases are in a store.
func (r *faultRun) present(s *Store, when string) {
	n := s.layout.Load().nets[0]
	for a, want := range r.acks {
		l, ok := s.Get(a)
		u, _ := toU32(a)
		if ref := n.lookup(u); ref != 0 && n.slot(ref).seq > want.seq {
			continue // a newer change, not acknowledged, reached the disk
		}
		if !ok || l.State != Active || l.Expires().Unix() < want.until {
			r.t.Errorf("%s: %v was acknowledged to %s until %d: %v %+v", when, a, want.who, want.until, ok, l)
		}
	}
}

// TestFailOnceAtEveryWrite lets each write and sync fail once. Afterwards a lease
// that the table calls durable must be on disk as it is, and a lease that ended
// must not come back.
func TestFailOnceAtEveryWrite(t *testing.T) {
	for at, more := 1, true; more; at++ {
		d := newFaultDisk()
		d.half = at%2 == 0
		more = false
		r := newFaultRun(t, d, 5)
		from := d.calls
		d.fail = func(call int) bool { more = more || call-from == at; return call-from == at }
		r.run(faultSteps)
		r.s.Close()
		if more && r.fails == 0 {
			t.Errorf("write %d failed and no batch was told so", at)
		}
		again := openFault(t, d.crash(r.rng), r.clock)
		r.present(again, fmt.Sprintf("write %d failed once", at))
		r.compare(again, at)
		again.Close()
		if t.Failed() {
			return
		}
	}
}

// compare holds the table in use against what a restart would find.
func (r *faultRun) compare(again *Store, at int) {
	n, m := r.s.layout.Load().nets[0], again.layout.Load().nets[0]
	for u, _ := toU32(ip("192.0.2.10")); u <= 0xc0000228; u++ {
		ref, ref2 := n.lookup(u), m.lookup(u)
		live := ref != 0 && n.kept(ref)
		back := ref2 != 0 && m.kept(ref2)
		if live && n.slot(ref).flags&flagDurable != 0 && (!back || n.slot(ref).seq != m.slot(ref2).seq) {
			r.t.Errorf("write %d: %v is durable in the table and not so on disk", at, toAddr(u))
		}
		if !back || m.slot(ref2).state() != Active || m.slot(ref2).expires() <= r.clock.now.Unix() {
			continue
		}
		if !live || n.slot(ref).state() != Active {
			r.t.Errorf("write %d: the lease of %v ended and came back", at, toAddr(u))
		}
	}
}

// Two workers' batches may reach the disk in the other order.
func TestOlderBatchArrivesLater(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 1)
	who := testClient(2)
	var first, second Batch
	tx := r.s.Begin(0)
	v, _ := tx.Allocate(0, nil, &who, netip.Addr{}, r.clock.now.Unix())
	tx.Commit(&first, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix(), ValidLft: 60})
	tx.Commit(&second, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix() + 5, ValidLft: 600})
	tx.End()
	r.commit(&second)
	r.commit(&first)
	r.s.Close()
	again := openFault(t, d.crash(r.rng), r.clock)
	defer again.Close()
	if l, _ := again.Get(v.Addr); l.ValidLft != 600 {
		t.Errorf("the older change won: %+v", l)
	}
}

// A query that the partner refused leaves a lease that is not durable.
func TestRefusedIsNotDurable(t *testing.T) {
	r := newFaultRun(t, newFaultDisk(), 1)
	defer r.s.Close()
	var b Batch
	var addrs []netip.Addr
	for i := range 2 {
		who := testClient(2 * (i + 1))
		b.Query(uint32(i), 0)
		tx := r.s.Begin(0)
		v, _ := tx.Allocate(0, nil, &who, netip.Addr{}, r.clock.now.Unix())
		tx.Commit(&b, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix(), ValidLft: 60})
		tx.End()
		addrs = append(addrs, v.Addr)
	}
	b.Refuse(1)
	r.commit(&b)
	tx := r.s.Begin(0)
	defer tx.End()
	for i, want := range []bool{true, false} {
		if v, _ := tx.At(addrs[i], nil); v.Durable != want {
			t.Errorf("query %d: durable %v, want %v", i, v.Durable, want)
		}
	}
}

// The older of two changes of a lease says nothing about the newer one.
func TestOlderBatchDoesNotMakeDurable(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 1)
	defer r.s.Close()
	who := testClient(2)
	var first, second Batch
	tx := r.s.Begin(0)
	v, _ := tx.Allocate(0, nil, &who, netip.Addr{}, r.clock.now.Unix())
	tx.Commit(&first, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix(), ValidLft: 60})
	tx.Commit(&second, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix() + 5, ValidLft: 600})
	tx.End()
	r.commit(&first)
	if v := r.view(v.Addr); v.Durable {
		t.Error("durable while its newer change is in flight")
	}
	fails := d.calls + 1
	d.mu.Lock()
	d.fail = func(call int) bool { return call == fails }
	d.mu.Unlock()
	if err := r.commit(&second); err == nil {
		t.Error("no failure was injected")
	}
	if v := r.view(v.Addr); v.Durable {
		t.Error("durable after its commit failed")
	}
	tx = r.s.Begin(0)
	tx.Commit(&first, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix() + 6, ValidLft: 600})
	tx.End()
	r.commit(&first)
	if v := r.view(v.Addr); !v.Durable {
		t.Error("not durable after the next renewal was committed")
	}
}

func (r *faultRun) view(a netip.Addr) View {
	tx := r.s.Begin(0)
	defer tx.End()
	v, _ := tx.At(a, nil)
	return v
}

// commitFails commits a batch whose changes reach the disk and cannot be synced.
func (r *faultRun) commitFails(d *faultDisk, b *Batch) {
	r.t.Helper()
	fail := func(f func(call int) bool) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.fail = f
	}
	d.mu.Lock()
	write := d.calls + 1
	d.mu.Unlock()
	fail(func(call int) bool { return call > write })
	if r.commit(b) == nil {
		r.t.Error("no failure was injected")
	}
	fail(func(int) bool { return false })
}

// grant makes an address the client's and adds the change to a batch.
func (r *faultRun) grant(b *Batch, a netip.Addr, who *Client, seconds uint32) {
	r.t.Helper()
	tx := r.s.Begin(0)
	defer tx.End()
	if err := tx.Commit(b, a, who, &Grant{CLTT: r.clock.now.Unix(), ValidLft: seconds}); err != nil {
		r.t.Error(err)
	}
}

// free tells whether client 4 may have an address.
func (r *faultRun) free(a netip.Addr) bool {
	r.s.Reclaim(new(Batch), r.clock.now, 100, nil)
	who := testClient(4)
	tx := r.s.Begin(0)
	defer tx.End()
	return tx.Offer(a, &who, r.clock.now.Unix()) && tx.ForgetOffer(a, &who)
}

// A renewal for a shorter time whose commit fails takes nothing from the client:
// it was not told.
func TestFailedRenewalShortensNothing(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 1)
	defer r.s.Close()
	var b Batch
	a, who := ip("192.0.2.11"), testClient(2)
	r.grant(&b, a, &who, 86400)
	r.commit(&b)
	r.grant(&b, a, &who, 60)
	r.commitFails(d, &b)
	r.clock.now = r.clock.now.Add(61 * time.Second)
	if r.free(a) {
		t.Error("given away after a renewal for a shorter time failed")
	}
	moved := testSubnet(1, "192.0.2.0/24", "192.0.2.10", "192.0.2.20")
	if err := r.s.Configure([]Network{{Subnets: []Subnet{moved}}}); err != nil {
		t.Fatal(err)
	}
	if r.free(a) {
		t.Error("given away after the pool was changed")
	}
	l, _ := r.s.Get(a)
	l.CLTT, l.ValidLft = r.clock.now, 30
	if _, err := r.s.Put(&b, &l); err != nil {
		t.Fatal(err)
	}
	r.commitFails(d, &b)
	r.clock.now = r.clock.now.Add(31 * time.Second)
	if r.free(a) {
		t.Error("given away after a partner's update for a shorter time failed")
	}
	r.grant(&b, a, &who, 60)
	if err := r.commit(&b); err != nil {
		t.Fatal(err)
	}
	r.clock.now = r.clock.now.Add(61 * time.Second)
	if !r.free(a) {
		t.Error("held although a shorter time was told and is over")
	}
}

// A client that moves to another address has the first one until it is told of
// the other.
func TestFailedMoveLeavesNothing(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 1)
	var b Batch
	a, to, who := ip("192.0.2.11"), ip("192.0.2.12"), testClient(2)
	r.grant(&b, a, &who, 3600)
	r.commit(&b)
	move := func() {
		r.grant(&b, to, &who, 3600)
		tx := r.s.Begin(0)
		defer tx.End()
		if !tx.Leave(&b, a) {
			t.Error("no lease to leave")
		}
	}
	move()
	if r.free(a) {
		t.Error("given away while the move is in flight")
	}
	r.commitFails(d, &b)
	if r.free(a) {
		t.Error("given away after the move failed")
	}
	d.mend() // all that was written is on the disk after all
	again := openFault(t, d.crash(r.rng), r.clock)
	if _, ok := again.Get(a); !ok {
		t.Error("gone from the disk after the move failed")
	}
	again.Close()
	move()
	if err := r.commit(&b); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.s.Get(a); ok || !r.free(a) {
		t.Error("not free after the move")
	}
	r.s.Close()
	again = openFault(t, d.crash(r.rng), r.clock)
	defer again.Close()
	if _, ok := again.Get(a); ok {
		t.Error("back from the disk after the move")
	}
}
