package ha

import (
	"net/netip"
	"testing"

	"needletail/internal/config"
	"needletail/leases"
)

// A needletail's updates take one lane, a Kea's several; which one never
// changes while an update is under way.
func TestRoute(t *testing.T) {
	p := &peer{link: &link{conf: &config.Relationship{}}}
	for range lanesDefault {
		p.lanes = append(p.lanes, newLane(p))
	}
	used := func() int {
		lanes := map[*lane]bool{}
		for i := range 64 {
			lanes[p.lane(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))] = true
		}
		return len(lanes)
	}
	expect := func(when string, want int) {
		t.Helper()
		p.route.choose(p.ability())
		if n := used(); n != want {
			t.Errorf("%s: %d lanes, want %d", when, n, want)
		}
	}
	expect("nothing known", lanesDefault)
	a := leases.Lease{Addr: netip.MustParseAddr("192.0.2.7"), SubnetID: 1, HW: []byte{1}}
	if !p.lane(a.Addr).add(&a, &leases.Change{Addr: a.Addr, Seq: 1}, ticket{}) {
		t.Fatal("an idle lane takes no change")
	}
	p.known.learn(abilityKnown|abilityNeedle, p.known.life())
	expect("a needletail, with a change on its way from before", lanesDefault)
	l := p.lane(a.Addr)
	l.swap()
	l.settleAll(l.sending.items, updated, "")
	expect("a needletail", 1)
	p.known.forget()
	expect("a needletail that is silent", 1)
	p.known.learn(abilityKnown, p.known.life())
	expect("a Kea in its place", lanesDefault)
}
