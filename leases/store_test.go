package leases

import (
	"context"
	"errors"
	"net/netip"
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
