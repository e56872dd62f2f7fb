package leases

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// table is a store in memory with a fake clock.
func table(t *testing.T, times Times, nets ...Network) (*Store, *fakeClock) {
	t.Helper()
	clock := &fakeClock{time.Unix(1_700_000_000, 0)}
	s, err := Open(t.Context(), Options{Clock: clock, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	s.SetTimes(times)
	if err := s.Configure(nets); err != nil {
		t.Fatal(err)
	}
	return s, clock
}

func testSubnet(id uint32, prefix string, ranges ...string) Subnet {
	return Subnet{ID: id, Prefix: netip.MustParsePrefix(prefix), Pools: pools(ranges...)}
}

// lease gives client i an address for a time; it returns the zero Addr if the
// pools are full.
func lease(t *testing.T, s *Store, i int, mask PoolMask, seconds uint32) netip.Addr {
	t.Helper()
	var b Batch
	who := testClient(i)
	now := s.o.Clock.Now().Unix()
	tx := s.Begin(0)
	defer tx.End()
	v, ok := tx.Allocate(0, mask, &who, netip.Addr{}, now)
	if !ok {
		return netip.Addr{}
	}
	if err := tx.Commit(&b, v.Addr, &who, &Grant{CLTT: now, ValidLft: seconds}); err != nil {
		t.Fatal(err)
	}
	return v.Addr
}

func TestAllocationOrder(t *testing.T) {
	s, clock := table(t, Times{Offer: 10 * time.Second, Affinity: time.Hour},
		Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.4")}})
	var b Batch
	step := func(i int, hint, want, why string) {
		t.Helper()
		who := testClient(i)
		h, _ := netip.ParseAddr(hint)
		tx := s.Begin(0)
		defer tx.End()
		v, ok := tx.Allocate(0, nil, &who, h, clock.now.Unix())
		if !ok {
			v.Addr = netip.Addr{}
		}
		if v.Addr.String() != want {
			t.Errorf("%s: got %v, want %s", why, v.Addr, want)
		}
		if ok {
			tx.Commit(&b, v.Addr, &who, &Grant{CLTT: clock.now.Unix(), ValidLft: 100})
		}
	}
	release := func(addr string) {
		tx := s.Begin(0)
		defer tx.End()
		if !tx.Release(&b, ip(addr), clock.now.Unix()) {
			t.Errorf("release %s", addr)
		}
	}
	step(0, "192.0.2.3", "192.0.2.3", "the hint, if free")
	step(2, "192.0.2.3", "192.0.2.1", "never used, when the hint is taken")
	step(4, "", "192.0.2.2", "the next never-used")
	release("192.0.2.3")
	release("192.0.2.1")
	step(8, "192.0.2.3", "192.0.2.4", "never used before released ones, which are kept for their clients")
	step(2, "192.0.2.3", "192.0.2.1", "the former address before the hint")
	step(10, "", "192.0.2.3", "a released one when nothing else is left")
	step(12, "", "invalid IP", "full")
	clock.now = clock.now.Add(100 * time.Second)
	step(14, "", "192.0.2.2", "an expired one, not yet reclaimed, when nothing else is left")
}

// A mask chooses among more than 64 pools.
func TestManyPools(t *testing.T) {
	var ranges []string
	for i := range 100 {
		ranges = append(ranges, fmt.Sprintf("192.0.2.%d", 2*i), fmt.Sprintf("192.0.2.%d", 2*i+1))
	}
	s, _ := table(t, Times{}, Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", ranges...)}})
	mask := make(PoolMask, 2)
	mask.Add(70)
	mask.Add(99)
	for i, want := range []string{"192.0.2.140", "192.0.2.141", "192.0.2.198", "192.0.2.199", "invalid IP"} {
		if a := lease(t, s, 2*i, mask, 60); a.String() != want {
			t.Errorf("lease %d: %v, want %s", i, a, want)
		}
	}
}

func TestFindOrder(t *testing.T) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{
		testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.9"), testSubnet(2, "198.51.100.0/24", "198.51.100.1", "198.51.100.9")}})
	hw := []byte{2, 0, 0, 0, 0, 9}
	withID, other, without := NewClient(1, hw, []byte("one")), NewClient(1, hw, []byte("two")), NewClient(1, hw, nil)
	token := NewClient(6, hw, nil)
	var b Batch
	tx := s.Begin(0)
	defer tx.End()
	tx.Commit(&b, ip("192.0.2.5"), &withID, &Grant{CLTT: clock.now.Unix(), ValidLft: 60})
	check := func(why string, subnet int, who *Client, want string) {
		t.Helper()
		v, ok := tx.Find(subnet, who)
		if got := v.Addr.String(); got != want || ok != (want != "invalid IP") {
			t.Errorf("%s: got %s, want %s", why, got, want)
		}
	}
	check("by client id", 0, &withID, "192.0.2.5")
	check("same hardware address, no client id", 0, &without, "192.0.2.5")
	check("same hardware address, another client id", 0, &other, "invalid IP")
	check("another hardware type", 0, &token, "invalid IP")
	check("another subnet", 1, &withID, "invalid IP")
	tx.Commit(&b, ip("192.0.2.6"), &other, &Grant{CLTT: clock.now.Unix(), ValidLft: 60})
	check("two clients on one hardware address", 0, &other, "192.0.2.6")
	check("two clients on one hardware address", 0, &withID, "192.0.2.5")
	tx.Commit(&b, ip("192.0.2.77"), &token, &Grant{CLTT: clock.now.Unix(), ValidLft: 60})
	check("outside pools", 0, &token, "192.0.2.77")
	if err := tx.Commit(&b, ip("203.0.113.1"), &token, &Grant{CLTT: clock.now.Unix()}); !errors.Is(err, ErrNotInSubnet) {
		t.Errorf("an address of no subnet: %v", err)
	}
	if err := tx.Commit(&b, ip("192.0.2.5"), &other, &Grant{CLTT: clock.now.Unix()}); !errors.Is(err, ErrTaken) {
		t.Errorf("an address of someone else: %v", err)
	}
}

// One hardware address with thousands of client ids neither slows the index
// down nor hides anyone's lease.
func TestOneHardwareAddressManyClients(t *testing.T) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{testSubnet(1, "10.0.0.0/8", "10.0.0.1", "10.0.255.254")}})
	var b Batch
	const many = 20_000
	client := func(i int) Client { return NewClient(1, []byte{2, 0, 0, 0, 0, 1}, fmt.Appendf(nil, "id-%d", i)) }
	tx := s.Begin(0)
	defer tx.End()
	for i := range many {
		who := client(i)
		v, ok := tx.Allocate(0, nil, &who, netip.Addr{}, clock.now.Unix())
		if !ok || tx.Commit(&b, v.Addr, &who, &Grant{CLTT: clock.now.Unix(), ValidLft: 60}) != nil {
			t.Fatal("no lease for", i)
		}
		b.Reset()
	}
	without := NewClient(1, []byte{2, 0, 0, 0, 0, 1}, nil)
	if err := tx.Commit(&b, ip("10.0.255.1"), &without, &Grant{CLTT: clock.now.Unix(), ValidLft: 60}); err != nil {
		t.Fatal(err)
	}
	if ref := s.layout.Load().nets[0].lookup(0x0a00ff01); !slices.Contains(s.layout.Load().nets[0].entries(&without), ref) {
		t.Error("the lease without client id is not in the index")
	}
	for i := range many {
		who := client(i)
		if v, ok := tx.Find(0, &who); !ok || !v.Mine {
			t.Fatalf("client %d lost its lease", i)
		}
	}
}

// entries returns the slots that the index has for a hardware address.
func (n *network) entries(who *Client) (out []uint32) {
	c := n.index.find(n.tagHW(who.HType, who.hw()))
	for ref := c.next(); ref != 0; ref = c.next() {
		out = append(out, ref)
	}
	return out
}

func TestExpiry(t *testing.T) {
	s, clock := table(t, Times{Offer: 10 * time.Second, Affinity: 50 * time.Second},
		Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.200")}})
	var addrs []netip.Addr
	for i := range 100 {
		addrs = append(addrs, lease(t, s, 2*i, nil, 100))
	}
	lease(t, s, 202, nil, Infinite)
	var b Batch
	tx := s.Begin(0)
	tx.Decline(&b, addrs[99], clock.now.Unix(), 30)
	tx.End()
	reclaim := func(after time.Duration, limit, want int, more bool) {
		t.Helper()
		clock.now = clock.now.Add(after)
		if n, left := s.Reclaim(&b, clock.now, limit, nil); n != want || left != more {
			t.Errorf("reclaimed %d, more %v; want %d, %v", n, left, want, more)
		}
	}
	reclaim(99*time.Second, 1000, 1, false) // the declined one
	reclaim(time.Second, 10, 10, true)
	reclaim(0, 1000, 89, false)
	if st := s.Stats().Subnets[0]; st.Reclaimed != 99 || st.Active != 1 || st.Declined != 0 {
		t.Errorf("%+v", st)
	}
	if a := lease(t, s, 4, nil, 100); a != addrs[2] {
		t.Errorf("a former client got %v, want its %v", a, addrs[2])
	}
	reclaim(51*time.Second, 1000, 98, false)
	if st := s.Stats().Subnets[0]; st.Reclaimed != 0 || st.Active != 2 {
		t.Errorf("after the affinity: %+v", st)
	}
	reclaim(1_000_000*time.Second, 1000, 2, false) // client 4 is reclaimed and then forgotten
	if st := s.Stats().Subnets[0]; st.Active != 1 {
		t.Errorf("an infinite lease ended: %+v", st)
	}
}

// Only expired leases that are ours are reclaimed (Kea in terminated).
func TestReclaimOwned(t *testing.T) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.200")}})
	for i := range 100 {
		lease(t, s, 2*i, nil, 100)
	}
	clock.now = clock.now.Add(200 * time.Second)
	var b Batch
	odd := func(l *Lease) bool { return l.Addr.As4()[3]%2 == 1 }
	if n, more := s.Reclaim(&b, clock.now, 1000, odd); n != 50 || more {
		t.Errorf("%d, %v", n, more)
	}
	for i := range b.Changes() {
		if l := b.Changes()[i].Lease(); !odd(&l) || b.Changes()[i].Op != Delete {
			t.Errorf("%v was not ours, or kept without affinity", l.Addr)
		}
	}
	if n, _ := s.Reclaim(&b, clock.now, 1000, nil); n != 50 {
		t.Errorf("the rest: %d", n)
	}
}

func TestConfigureAgain(t *testing.T) {
	sub := testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.9")
	second := testSubnet(2, "198.51.100.0/24", "198.51.100.1", "198.51.100.9")
	s, _ := table(t, Times{}, Network{Subnets: []Subnet{sub}}, Network{Subnets: []Subnet{second}})
	a := lease(t, s, 2, nil, 1000)
	fixed := lease(t, s, 4, nil, 1000)
	check := func(why string, nets []Network, active, orphans int) {
		t.Helper()
		if err := s.Configure(nets); err != nil {
			t.Fatal(err)
		}
		st := s.Stats()
		var n int64
		for _, sn := range st.Subnets {
			n += sn.Active
		}
		if int(n) != active || st.Orphans != orphans {
			t.Errorf("%s: %d active, %d orphans; want %d, %d", why, n, st.Orphans, active, orphans)
		}
	}
	moved := testSubnet(1, "192.0.2.0/24", "192.0.2.100", "192.0.2.109")
	check("the pool moved", []Network{{Subnets: []Subnet{moved}}}, 2, 0)
	if l, ok := s.Get(a); !ok || l.PoolID != 0 {
		t.Errorf("outside pools: %v %+v", ok, l)
	}
	check("the subnet is gone", []Network{{Subnets: []Subnet{second}}}, 0, 2)
	if _, ok := s.Get(a); ok {
		t.Error("a lease of no subnet was served")
	}
	check("and back, in a shared network", []Network{{Subnets: []Subnet{second, sub}}}, 2, 0)
	who := testClient(4)
	tx := s.Begin(0)
	if v, ok := tx.Find(1, &who); !ok || v.Addr != fixed || v.Subnet != 1 {
		t.Errorf("%+v %v", v, ok)
	}
	tx.End()
	check("nothing changed", []Network{{Subnets: []Subnet{second, sub}}}, 2, 0)
}

func TestConfigureRefuses(t *testing.T) {
	s, _ := table(t, Times{})
	for _, c := range []struct {
		want string
		nets []Network
	}{
		{"used twice", []Network{{Subnets: []Subnet{testSubnet(1, "192.0.2.0/25")}}, {Subnets: []Subnet{testSubnet(1, "192.0.2.128/25")}}}},
		{"not within", []Network{{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.3.1")}}}},
		{"not a range", []Network{{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.9", "192.0.2.1")}}}},
		{"overlap", []Network{{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.9", "192.0.2.9", "192.0.2.10")}}}},
		{"not an IPv4 prefix", []Network{{Subnets: []Subnet{testSubnet(1, "2001:db8::/64")}}}},
	} {
		if err := s.Configure(c.nets); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestMergeAndPut(t *testing.T) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.9")}})
	var b Batch
	l := someLease
	l.Addr = ip("192.0.2.5")
	for _, c := range []struct {
		cltt  int64
		state State
		want  bool
	}{{0, Active, true}, {0, Released, false}, {-5, Declined, false}, {1, Reclaimed, true}} {
		l.CLTT, l.State = clock.now.Add(time.Duration(c.cltt)*time.Second), c.state
		if done, err := s.Merge(&b, &l, Supersedes); done != c.want || err != nil {
			t.Errorf("merge %+v: %v %v", c, done, err)
		}
	}
	l.CLTT, l.State = clock.now.Add(-time.Hour), Active
	if existed, err := s.Put(&b, &l); !existed || err != nil {
		t.Errorf("put: %v %v", existed, err)
	}
	got, _ := s.Get(l.Addr)
	l.PoolID = 1
	if a, b := AppendKea(nil, &got, KeaForm{PoolID: true}), AppendKea(nil, &l, KeaForm{PoolID: true}); !bytes.Equal(a, b) {
		t.Errorf("got  %s\nwant %s", a, b)
	}
	l.SubnetID = 9
	if _, err := s.Put(&b, &l); !errors.Is(err, ErrNoSubnet) {
		t.Error(err)
	}
	l.SubnetID, l.Addr = 1, ip("203.0.113.1")
	if _, err := s.Put(&b, &l); !errors.Is(err, ErrNotInSubnet) {
		t.Error(err)
	}
	l.Addr, l.UserContext = ip("192.0.2.5"), make([]byte, contextMax+1)
	if _, err := s.Put(&b, &l); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
}

// Pages run through pools, gaps and networks in the order of addresses.
func TestPages(t *testing.T) {
	s, clock := table(t, Times{},
		Network{Subnets: []Subnet{testSubnet(1, "10.0.0.0/16", "10.0.2.0", "10.0.3.255", "10.0.0.16", "10.0.0.31")}},
		Network{Subnets: []Subnet{testSubnet(2, "10.1.0.0/16")}}, Network{Subnets: []Subnet{testSubnet(3, "9.0.0.0/8", "9.9.9.9", "9.9.9.9")}})
	var b Batch
	want := []string{"9.0.0.1", "9.9.9.9", "9.255.0.1", "10.0.0.1", "10.0.0.16", "10.0.0.31", "10.0.0.32", "10.0.2.0", "10.0.3.255", "10.0.255.255", "10.1.0.7"}
	for i := range want {
		k := i * 7 % len(want)
		l := Lease{Addr: ip(want[k]), HType: 1, HW: []byte{1, 2, byte(k)}, CLTT: clock.now, ValidLft: 60}
		for id := uint32(1); id <= 3; id++ {
			l.SubnetID = id
			if _, err := s.Put(&b, &l); err == nil {
				break
			}
		}
	}
	for _, limit := range []int{1, 2, 3, 100} {
		var got []string
		from := netip.Addr{}
		for {
			page := s.Page(from, limit)
			for _, l := range page {
				got = append(got, l.Addr.String())
			}
			if len(page) < limit {
				break
			}
			from = page[len(page)-1].Addr
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("pages of %d: got %v\nwant %v", limit, got, want)
		}
	}
	if n := len(s.All(2, 3)); n != 4 {
		t.Errorf("subnets 2 and 3 have %d leases", n)
	}
	if n := len(s.ByHW(1, []byte{1, 2, 3})); n != 1 {
		t.Errorf("%d leases by hardware address", n)
	}
	if n := len(s.ByState(Active, 1)); n != 7 {
		t.Errorf("%d active leases in subnet 1", n)
	}
	if n := s.Wipe(&b, 1); n != 7 || len(s.All()) != 4 {
		t.Errorf("wiped %d", n)
	}
}

// A partner that was away learns changes and deletions since a change number,
// also across a restart; what was forgotten is said to be.
func TestCatchUp(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 1)
	r.s.SetTimes(Times{Tombstone: 100 * time.Second})
	var b Batch
	for i := range 3 {
		l := Lease{Addr: toAddr(0xc000020a + uint32(i)), SubnetID: 1, HType: 1, HW: []byte{1, byte(i)}, CLTT: r.clock.now, ValidLft: 60}
		r.s.Put(&b, &l)
	}
	mark := r.s.Seq()
	r.s.Delete(&b, ip("192.0.2.11"))
	l := Lease{Addr: ip("192.0.2.12"), SubnetID: 1, HType: 1, HW: []byte{1, 2}, CLTT: r.clock.now, ValidLft: 600}
	r.s.Put(&b, &l)
	r.commit(&b)
	check := func(s *Store) {
		t.Helper()
		changed := s.Changed(mark, netip.Addr{}, 100)
		gone, complete := s.Deleted(mark, 100)
		if len(changed) != 1 || changed[0].Addr != l.Addr || len(gone) != 1 || gone[0].Addr != 0xc000020b || !complete {
			t.Errorf("changed %+v, deleted %+v, complete %v", changed, gone, complete)
		}
	}
	check(r.s)
	name := r.s.identity
	r.s.Close()
	again := openFault(t, d, r.clock)
	defer again.Close()
	check(again)
	if again.identity != name || again.Seq() <= mark {
		t.Error("identity or numbers did not survive the restart")
	}
	again.SetTimes(Times{Tombstone: 100 * time.Second})
	again.Reclaim(&b, r.clock.now.Add(101*time.Second), 1000, nil)
	if gone, complete := again.Deleted(mark, 100); len(gone) != 0 || complete {
		t.Errorf("after its time: %v, complete %v", gone, complete)
	}
	submit(t, again, &b)
	for k, o := range d.written {
		if k[0] == kindTombstone && !o.del {
			t.Errorf("tombstone %x is still on disk", k)
		}
	}
}

// Real files, all durabilities: what was committed is there after Close.
func TestReopen(t *testing.T) {
	for _, d := range []Durability{Sync, OS, None} {
		dir := t.TempDir()
		s := openTest(t, dir, d, "10.0.255.254")
		fill(t, s, 0, 5000, time.Now().Unix())
		var b Batch
		gone := s.Page(netip.Addr{}, 1)[0].Addr
		s.Delete(&b, gone)
		submit(t, s, &b)
		name := s.identity
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		again := openTest(t, dir, d, "10.0.255.254")
		if n := again.Stats().Subnets[0].Active; n != 4999 {
			t.Errorf("%v: %d leases", d, n)
		}
		if _, ok := again.Get(gone); ok {
			t.Errorf("%v: a deleted lease is back", d)
		}
		if again.identity != name {
			t.Errorf("%v: another identity", d)
		}
		again.Close()
		if err := submit(t, again, &b); err != nil {
			t.Errorf("%v: an empty batch: %v", d, err)
		}
		again.Delete(&b, toAddr(0x0a000002))
		if err := submit(t, again, &b); !errors.Is(err, ErrClosed) {
			t.Errorf("%v: after Close: %v", d, err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(cancelled, Options{Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Open(t.Context(), Options{Dir: t.TempDir(), ReserveBytes: 1 << 60}); !errors.Is(err, ErrNoSpace) {
		t.Errorf("too little space: %v", err)
	}
	if _, err := Open(t.Context(), Options{Dir: "/proc/no/such"}); err == nil {
		t.Error("a folder that cannot be made")
	}
}

// Administration, expiry and reconfiguration at the same time lose nothing.
func TestConfigureUnderWork(t *testing.T) {
	sub := testSubnet(1, "10.0.0.0/8", "10.0.0.1", "10.0.255.254")
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{sub}})
	const many = 5000
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b Batch
		for i := range many {
			l := Lease{Addr: toAddr(0x0a000001 + uint32(i)), SubnetID: 1, HType: 1, HW: []byte{1, byte(i >> 8), byte(i)}, CLTT: clock.now, ValidLft: 60}
			if _, err := s.Put(&b, &l); err != nil {
				t.Error(err)
			}
			s.Reclaim(&b, clock.now, 10, nil)
			s.Settle(&b)
			b.Reset()
		}
	}()
	for i := 0; ; i++ {
		select {
		case <-done:
			if n := len(s.All()); n != many {
				t.Errorf("%d leases, want %d", n, many)
			}
			return
		default:
		}
		moved := testSubnet(1, "10.0.0.0/8", "10.0.0.1", fmt.Sprintf("10.%d.255.254", i%7))
		if err := s.Configure([]Network{{Subnets: []Subnet{moved}}}); err != nil {
			t.Fatal(err)
		}
	}
}

// An offer to a client that has a lease leaves the lease alone, and an offer
// over a former lease gives way to it.
func TestOfferOverLease(t *testing.T) {
	s, clock := table(t, Times{Offer: 10 * time.Second, Affinity: time.Hour},
		Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.1")}})
	a := lease(t, s, 2, nil, 100)
	who, other := testClient(2), testClient(4)
	tx := s.Begin(0)
	defer tx.End()
	now := clock.now.Unix()
	if !tx.Offer(a, &who, now) {
		t.Error("no offer of the client's own address")
	}
	if v, ok := tx.Allocate(0, nil, &who, netip.Addr{}, now); !ok || v.Addr != a || v.State != Active {
		t.Errorf("%+v %v", v, ok)
	}
	if v, ok := tx.Allocate(0, nil, &other, netip.Addr{}, now+50); ok {
		t.Errorf("someone else's active lease was allocated: %+v", v)
	}
	if tx.Offer(a, &other, now+50) {
		t.Error("someone else's active lease was offered")
	}
	var b Batch
	tx.Release(&b, a, now+50)
	if v, ok := tx.Allocate(0, nil, &who, netip.Addr{}, now+51); !ok || v.State != Offered || v.Under != Released {
		t.Errorf("%+v %v", v, ok)
	}
	if _, ok := tx.Allocate(0, nil, &other, netip.Addr{}, now+60); ok {
		t.Error("an offer that stands was taken away")
	}
	if v, ok := tx.Allocate(0, nil, &other, netip.Addr{}, now+62); !ok || v.Under != Free || !v.Mine {
		t.Errorf("after the offer: %+v %v", v, ok)
	}
}

// Lifetimes of decades and centuries, which are not infinite, neither stop the
// wheel nor end early.
func TestLongLifetimes(t *testing.T) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.200")}})
	for i, lft := range []uint32{1 << 20, 1 << 26, 1 << 30, 1 << 31, Infinite - 1, 60} {
		lease(t, s, 2*i, nil, lft)
	}
	var b Batch
	clock.now = clock.now.Add(61 * time.Second)
	if n, more := s.Reclaim(&b, clock.now, 1000, nil); n != 1 || more {
		t.Errorf("reclaimed %d, more %v; want 1", n, more)
	}
	if n := s.Stats().Subnets[0].Active; n != 5 {
		t.Errorf("%d active leases, want 5", n)
	}
}

// In a pool full of offers the oldest gives way, though not at once; its client
// is then too late.
func TestOldOfferGivesWay(t *testing.T) {
	s, clock := table(t, Times{Offer: time.Minute}, Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.2")}})
	client := func(n byte) *Client {
		c := NewClient(1, []byte{2, 0, 0, 0, 0, n}, nil)
		return &c
	}
	start := clock.Now().Unix()
	allocate := func(n byte, at int64) string {
		tx := s.Begin(0)
		defer tx.End()
		v, ok := tx.Allocate(0, nil, client(n), netip.Addr{}, start+at)
		if !ok {
			return "none"
		}
		return v.Addr.String()
	}
	for _, c := range []struct {
		client byte
		at     int64
		want   string
	}{
		{1, 0, "192.0.2.1"}, {2, 1, "192.0.2.2"},
		{3, 9, "none"}, {3, 10, "192.0.2.1"}, {4, 10, "none"}, {1, 10, "none"}, {1, 11, "192.0.2.2"},
	} {
		if got := allocate(c.client, c.at); got != c.want {
			t.Errorf("client %d at %d s: %s, want %s", c.client, c.at, got, c.want)
		}
	}
	var b Batch
	tx := s.Begin(0)
	defer tx.End()
	a := netip.MustParseAddr("192.0.2.2")
	if err := tx.Commit(&b, a, client(2), &Grant{CLTT: start + 12, ValidLft: 60}); !errors.Is(err, ErrTaken) {
		t.Errorf("the client whose offer gave way: %v", err)
	}
	if err := tx.Commit(&b, a, client(1), &Grant{CLTT: start + 12, ValidLft: 60}); err != nil {
		t.Errorf("the client who has it now: %v", err)
	}
}

// Offers that were made for longer, or by a clock that was ahead, neither last
// longer than one made now nor hide those behind them.
func TestOffersOutOfOrder(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(s *Store, clock *fakeClock)
	}{
		{"a shorter offer-lifetime", func(s *Store, _ *fakeClock) { s.SetTimes(Times{Offer: 10 * time.Second}) }},
		{"the clock goes back", func(_ *Store, clock *fakeClock) { clock.now = clock.now.Add(-time.Hour) }},
	} {
		s, clock := table(t, Times{Offer: time.Minute}, Network{Subnets: []Subnet{testSubnet(1, "10.0.0.0/8", "10.0.0.1", "10.0.0.200")}})
		offer := func(i int) bool {
			who := testClient(7 * i)
			tx := s.Begin(0)
			defer tx.End()
			_, ok := tx.Allocate(0, nil, &who, netip.Addr{}, clock.now.Unix())
			return ok
		}
		for i := range 100 {
			offer(i)
		}
		c.change(s, clock)
		for i := range 100 {
			offer(100 + i)
		}
		var b Batch
		s.Reclaim(&b, clock.now, 1000, nil) // looks at each once, and ends none
		if st := s.Stats().Subnets[0]; st.Offered != 200 || offer(200) {
			t.Errorf("%s: %d offers at once, want 200, and none for another client", c.what, st.Offered)
		}
		clock.now = clock.now.Add(time.Duration(s.times.Offer))
		s.Reclaim(&b, clock.now, 1000, nil)
		if st := s.Stats().Subnets[0]; st.Offered != 0 {
			t.Errorf("%s: %d offers are left when all should be over", c.what, st.Offered)
		}
	}
}
