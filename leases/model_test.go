package leases

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// fakeClock is a clock that tests move.
type fakeClock struct{ now time.Time }

func (c *fakeClock) Now() time.Time { return c.now }

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func pools(ranges ...string) []Pool {
	var out []Pool
	for i := 0; i+1 < len(ranges); i += 2 {
		out = append(out, Pool{ID: uint32(i/2 + 1), First: ip(ranges[i]), Last: ip(ranges[i+1])})
	}
	return out
}

// testClient is client i; odd ones have no client id, and every seventh shares
// its hardware address with the one before.
func testClient(i int) Client {
	hw := i
	if i%7 == 6 {
		hw--
	}
	c := Client{HType: 1, HLen: 6, HW: [16]byte{2, 0, byte(hw >> 24), byte(hw >> 16), byte(hw >> 8), byte(hw)}}
	if i%2 == 0 {
		c.ID = fmt.Appendf([]byte{0}, "client-%0*d", i%30, i)
	}
	return c
}

func key(c *Client) string {
	if len(c.ID) > 0 {
		return "id " + string(c.ID)
	}
	return fmt.Sprintf("hw %x", c.hw())
}

// held is the oracle's idea of an address: who may use it until when.
type held struct {
	who   string
	until int64
	state State
}

// TestModel runs random operations against a map. The invariant above all: no
// address is promised to two clients at once.
func TestModel(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runModel(t, seed, 6000) })
	}
}

type model struct {
	t     *testing.T
	s     *Store
	clock *fakeClock
	rng   *rand.Rand
	addrs map[netip.Addr]held
	b     Batch
}

func runModel(t *testing.T, seed uint64, steps int) {
	m := &model{t: t, clock: &fakeClock{time.Unix(1_700_000_000, 0)}, rng: rand.New(rand.NewPCG(seed, 7)), addrs: map[netip.Addr]held{}}
	m.s, _ = Open(t.Context(), Options{Clock: m.clock})
	m.s.SetTimes(Times{Offer: 10 * time.Second, Affinity: time.Duration(seed%3) * 50 * time.Second})
	err := m.s.Configure([]Network{{Subnets: []Subnet{
		{ID: 1, Prefix: netip.MustParsePrefix("192.0.2.0/24"), Pools: pools("192.0.2.10", "192.0.2.29", "192.0.2.50", "192.0.2.59")},
		{ID: 2, Prefix: netip.MustParsePrefix("198.51.100.0/24"), Pools: pools("198.51.100.1", "198.51.100.9")},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for range steps {
		m.step()
		if t.Failed() {
			return
		}
	}
	m.counts()
}

func (m *model) step() {
	who := testClient(m.rng.IntN(60))
	now := m.clock.now.Unix()
	switch op := m.rng.IntN(20); {
	case op < 9:
		m.dora(&who, now)
	case op < 11:
		m.renew(&who, now)
	case op < 13:
		m.release(&who, now)
	case op < 14:
		m.decline(&who, now)
	case op < 15:
		m.partner(&who, now)
	case op < 17:
		m.s.Reclaim(&m.b, m.clock.now, 5, nil)
	default:
		m.clock.now = m.clock.now.Add(time.Duration(m.rng.IntN(15)) * time.Second)
	}
	m.s.Submit(&m.b, func(b *Batch, err error) { m.s.Settle(b) })
	m.b.Reset()
}

// promise checks that nobody else may use the address, then notes the client.
func (m *model) promise(a netip.Addr, who *Client, now, until int64, state State) {
	if h, ok := m.addrs[a]; ok && h.who != key(who) && h.until > now && !m.alias(h.who, who) {
		m.t.Errorf("%v promised to %s while %s has it (%v) for another %d s", a, key(who), h.who, h.state, h.until-now)
	}
	m.addrs[a] = held{key(who), until, state}
}

// alias tells whether Kea's rule makes them the same: one has no client id and
// the hardware addresses are equal.
func (m *model) alias(other string, who *Client) bool {
	for i := range 60 {
		if c := testClient(i); key(&c) == other && (len(c.ID) == 0 || len(who.ID) == 0) && c.HW == who.HW {
			return true
		}
	}
	return false
}

func (m *model) dora(who *Client, now int64) {
	subnet := m.rng.IntN(2)
	tx := m.s.Begin(0)
	defer tx.End()
	v, ok := tx.Find(subnet, who)
	if !ok || v.State != Active || v.Expires() <= now {
		hint := netip.AddrFrom4([4]byte{192, 0, 2, byte(m.rng.IntN(70))})
		if v, ok = tx.Allocate(subnet, nil, who, hint, now); !ok {
			return
		}
		m.promise(v.Addr, who, now, now+10, Offered)
	}
	if m.rng.IntN(4) == 0 {
		return // the client goes away
	}
	lft := uint32(20 + m.rng.IntN(200))
	if err := tx.Commit(&m.b, v.Addr, who, &Grant{CLTT: now, ValidLft: lft, Hostname: []byte("host")}); err != nil {
		m.t.Errorf("commit %v: %v", v.Addr, err)
	}
	m.promise(v.Addr, who, now, now+int64(lft), Active)
	if got, ok := tx.At(v.Addr, who); !ok || !got.Mine || got.State != Active || got.Expires() != now+int64(lft) {
		m.t.Errorf("after commit: %+v %v", got, ok)
	}
}

func (m *model) renew(who *Client, now int64) {
	tx := m.s.Begin(0)
	defer tx.End()
	v, ok := tx.Find(0, who)
	if !ok || v.State != Active || v.Expires() <= now {
		return
	}
	if err := tx.Commit(&m.b, v.Addr, who, &Grant{CLTT: now, ValidLft: 60}); err != nil {
		m.t.Error(err)
	}
	m.promise(v.Addr, who, now, now+60, Active)
}

func (m *model) release(who *Client, now int64) {
	tx := m.s.Begin(0)
	defer tx.End()
	if v, ok := tx.Find(m.rng.IntN(2), who); ok && v.State == Active {
		if !tx.Release(&m.b, v.Addr, now) {
			m.t.Errorf("release %v: no lease", v.Addr)
		}
		delete(m.addrs, v.Addr)
	}
}

func (m *model) decline(who *Client, now int64) {
	tx := m.s.Begin(0)
	defer tx.End()
	if v, ok := tx.Find(0, who); ok && v.State == Active {
		tx.Decline(&m.b, v.Addr, now, 30)
		m.addrs[v.Addr] = held{"nobody", now + 30, Declined}
	}
}

// partner overwrites a lease as lease4-update does.
func (m *model) partner(who *Client, now int64) {
	a := netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + m.rng.IntN(70))})
	l := Lease{Addr: a, SubnetID: 1, HType: 1, HW: who.hw(), ClientID: who.ID, CLTT: time.Unix(now, 0), ValidLft: 40}
	if _, err := m.s.Put(&m.b, &l); err != nil {
		m.t.Error(err)
	}
	m.addrs[a] = held{key(who), now + 40, Active}
	if got, ok := m.s.Get(a); !ok || key(&Client{ID: got.ClientID, HW: who.HW, HLen: 6}) != key(who) {
		m.t.Errorf("after put: %+v %v", got, ok)
	}
}

// counts compares the counters with what a walk finds, and checks the lists.
func (m *model) counts() {
	n := m.s.layout.Load().nets[0]
	var want [2][countKinds]int64
	entries := 0
	n.each(func(ref uint32) bool {
		s, c := n.at(ref)
		if k := counted(s.state()); k >= 0 {
			want[c.pool.subnet.index][k]++
		}
		for _, has := range []bool{s.hlen != 0, s.idLen != 0} {
			if has {
				entries++
			}
		}
		return true
	})
	used := 0
	for _, seg := range n.index.dir {
		used += seg.used
	}
	if used != entries {
		m.t.Errorf("index has %d entries, slots want %d", used, entries)
	}
	for i, sub := range n.subnets {
		if sub.counts != want[i] {
			m.t.Errorf("subnet %d: counts %v, a walk finds %v", i, sub.counts, want[i])
		}
	}
}
