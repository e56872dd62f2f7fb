package leases

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

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
