package slowpath

import (
	"testing"

	"needletail/leases"
)

// Wishes are met between the bounds (RFC 2131 section 4.3.1).
func TestLifetimeGrant(t *testing.T) {
	l := lifetimes{min: 600, normal: 3600, max: 7200}
	for _, c := range []struct{ wanted, want uint32 }{
		{0, 3600}, {599, 600}, {600, 600}, {5000, 5000}, {7200, 7200}, {7201, 7200}, {leases.Infinite, 7200},
	} {
		if got := l.grant(c.wanted); got != c.want {
			t.Errorf("asked for %d: got %d, want %d", c.wanted, got, c.want)
		}
	}
}

// T1 and T2 as Kea sends them (dhcp4_srv.cc, setTeeTimes).
func TestTees(t *testing.T) {
	share := lifetimes{calculate: true, t1: 0.5, t2: 0.875}
	for _, c := range []struct {
		what          string
		l             lifetimes
		valid, t1, t2 uint32
	}{
		{"none configured, none calculated", lifetimes{}, 3600, 0, 0},
		{"calculated", share, 3600, 1800, 3150},
		{"rounded to the nearest second", share, 5, 3, 4},
		{"configured ones win", lifetimes{renew: 100, rebind: 200, calculate: true, t1: 0.5, t2: 0.875}, 3600, 100, 200},
		{"T2 not before the end is left out", lifetimes{renew: 100, rebind: 3600}, 3600, 100, 0},
		{"T1 not before T2 is left out", lifetimes{renew: 200, rebind: 200}, 3600, 0, 200},
		{"T1 alone, before the end", lifetimes{renew: 3599}, 3600, 3599, 0},
		{"T1 alone, not before the end", lifetimes{renew: 3600}, 3600, 0, 0},
	} {
		if t1, t2 := c.l.tees(c.valid); t1 != c.t1 || t2 != c.t2 {
			t.Errorf("%s: got T1 %d T2 %d, want %d and %d", c.what, t1, t2, c.t1, c.t2)
		}
	}
}

// The conditions of the lease cache (Kea: alloc_engine.cc, setLeaseReusable).
func TestCached(t *testing.T) {
	const start = 1_800_000_000
	quarter := &subnet{cacheFraction: 0.25}
	aged := &subnet{cacheFraction: 0.25, cacheMaxAge: 100}
	for _, c := range []struct {
		what  string
		s     *subnet
		valid uint32
		age   int64
		want  uint32
	}{
		{"just granted", quarter, 3600, 0, 3600},
		{"at the threshold", quarter, 3600, 900, 2700},
		{"past the threshold", quarter, 3600, 901, 0},
		{"at the age", aged, 3600, 100, 3500},
		{"past the age", aged, 3600, 101, 0},
		{"no cache", &subnet{}, 3600, 0, 0},
		{"an age without threshold is no cache", &subnet{cacheMaxAge: 100}, 3600, 0, 0},
		{"a clock that went back", quarter, 3600, -1, 0},
		{"expired", &subnet{cacheFraction: 1}, 3600, 3600, 0},
		{"for ever", &subnet{}, leases.Infinite, 1 << 30, leases.Infinite},
	} {
		if got := c.s.cached(start, c.valid, c.valid, start+c.age); got != c.want {
			t.Errorf("%s: got %d, want %d", c.what, got, c.want)
		}
	}
}
