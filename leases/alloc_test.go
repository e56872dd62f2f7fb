package leases

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

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

// An allocation costs the same in an empty pool and in one with a single free
// address: looking through the pool would cost thousands of times as much.
func TestAllocationAtAnyFill(t *testing.T) {
	const size, tries, factorMax = 1<<17 - 2, 200, 20
	s, now := memStore(t, 1, "10.1.255.254"), int64(1_700_000_000)
	quickest := func() time.Duration {
		best := time.Hour
		for round := range uint64(10) {
			begun := time.Now()
			for i := range uint64(tries) {
				var id [7]byte
				who := ethernet(1<<20+round*tries+i, &id)
				tx := s.Begin(0)
				if v, ok := tx.Allocate(0, nil, &who, netip.Addr{}, now); !ok || !tx.ForgetOffer(v.Addr, &who) {
					t.Fatal("full")
				}
				tx.End()
			}
			best = min(best, time.Since(begun))
		}
		return best
	}
	empty := quickest()
	var b Batch
	for i := range uint64(size - 1) {
		dora(t, s, 0, &b, i, now)
		b.Reset()
	}
	if full := quickest(); full > factorMax*empty {
		t.Errorf("%d allocations take %v in a full pool, %v in an empty one", tries, full, empty)
	}
}
