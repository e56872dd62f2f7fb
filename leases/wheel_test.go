package leases

import (
	"math/rand/v2"
	"testing"
	"time"
)

// wheelPool is a table with one pool of 2,560 addresses.
func wheelPool(t *testing.T) (*Store, *fakeClock, *pool) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{testSubnet(1, "10.0.0.0/8", "10.0.0.1", "10.0.10.0")}})
	return s, clock, s.layout.Load().nets[0].pools[0]
}

// One hold of the network's lock is bounded by the leases that it handles, not
// by how far the clock goes at once.
func TestClockJumpsForward(t *testing.T) {
	s, clock, p := wheelPool(t)
	n := s.layout.Load().nets[0]
	clock.now = time.Unix(100, 0) // no clock in this machine, until NTP has spoken
	p.now = 100
	for i := range 100 {
		lease(t, s, 7*i, nil, uint32(60+i))
	}
	now := int64(1_800_000_000)
	lease(t, s, 700, nil, uint32(now)) // ends 100 s after that
	jumps := 0
	for last := p.now; !n.advance(p, now, 10); jumps++ {
		if p.now == last && jumps > 100 {
			t.Fatal("no progress")
		}
		last = p.now
	}
	if jumps < 9 || jumps > 100 {
		t.Errorf("%d steps of ten slots for 100 leases", jumps)
	}
	if p.expired != 100 || p.now != now || p.timed != 1 {
		t.Errorf("%d expired, %d to come, at %d", p.expired, p.timed, p.now)
	}
	if rounds := wheelRounds(p, now+1<<35); rounds > 10 {
		t.Errorf("a wheel with one lease comes round %d times in a thousand years", rounds)
	}
}

// wheelRounds counts the times at which the wheel stops on its way to a moment.
func wheelRounds(p *pool, until int64) (rounds int) {
	for at := p.now; at < until; rounds++ {
		q := *p
		q.now = at
		at = q.nextDue(until)
	}
	return rounds
}

// After a clock that was ahead is put right, leases that end are found as soon
// as ever, behind however many that were granted meanwhile.
func TestClockGoesBack(t *testing.T) {
	s, clock, p := wheelPool(t)
	lease(t, s, 0, nil, 60)
	right := clock.now
	clock.now = right.Add(24 * time.Hour)
	var b Batch
	s.Reclaim(&b, clock.now, 500, nil)
	size := int(p.size())
	for i := 1; i < size/2; i++ {
		lease(t, s, 7*i, nil, 86400)
	}
	clock.now = right
	for i := size / 2; i < size; i++ {
		lease(t, s, 7*i, nil, 86400)
	}
	short := lease(t, s, 7*size, nil, 60)
	clock.now = clock.now.Add(61 * time.Second)
	if n, more := s.Reclaim(&b, clock.now, 500, nil); n != 1 || more {
		t.Errorf("reclaimed %d, more %v; want the one that is over", n, more)
	}
	if a := lease(t, s, 7*size+7, nil, 60); a != short {
		t.Errorf("a new client got %v, want %v", a, short)
	}
}

// Whatever the clock does, a lease is collected when its time is over, and not
// much before.
func TestWheelUnderAnyClock(t *testing.T) {
	s, clock, p := wheelPool(t)
	n := s.layout.Load().nets[0]
	rng := rand.New(rand.NewPCG(4, 4))
	upTo := func() time.Duration { return time.Duration(rng.Int64N(int64(time.Second) << rng.IntN(24))) }
	for i := range 2000 {
		clock.now = clock.now.Add(upTo()).Add(-upTo())
		if a := lease(t, s, i, nil, 1+rng.Uint32N(1<<rng.IntN(26))); !a.IsValid() {
			t.Fatal("full")
		}
		now := clock.now.Unix()
		for !n.advance(p, now, 16) {
		}
		n.each(func(ref uint32) bool {
			sl := n.slot(ref)
			if sl.state() != Active {
				return true
			}
			if over := sl.list == listExpired; over != (sl.ends() <= now) && (!over || sl.ends() > now+clockBack) {
				t.Errorf("step %d: a lease that ends in %d s is in the list of those that are over: %v", i, sl.ends()-now, over)
			}
			return !t.Failed()
		})
		if t.Failed() {
			return
		}
	}
}
