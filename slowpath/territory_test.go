package slowpath

import (
	_ "embed"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"

	"needletail/internal/frame"
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
	"needletail/internal/transcript"
)

// territories is a hub whose subnets leave some doubt: a guarded one, a relay
// inside another relationship's subnet, a relay outside all, one in a subnet
// without a relationship. The kernel is compared on it too (internal/twin).
//
//go:embed testdata/territories.json
var territories []byte

func TestTerritory(t *testing.T) {
	e := startTerritories(t)
	got := e.Territory()
	prefix := netip.MustParsePrefix
	want := map[netip.Prefix]int{prefix("10.0.0.0/24"): 0, prefix("10.0.1.0/24"): 1, prefix("172.16.0.1/32"): 1}
	if !maps.Equal(got.Prefixes, want) {
		t.Errorf("prefixes %v, want %v", got.Prefixes, want)
	}
	if want := map[int]int{1: 0}; !maps.Equal(got.Interfaces, want) {
		t.Errorf("interfaces %v, want %v", got.Interfaces, want)
	}
}

func startTerritories(t *testing.T) *Engine {
	s := newInMemory(t)
	ifs := []transcript.Interface{{Name: "eth0", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}}
	if err := s.Start(territories, ifs); err != nil {
		t.Fatal(err)
	}
	return s.engine
}

// Whatever the territory places, the filter places alike or does not answer.
func TestTerritoryAgreesWithTheFilter(t *testing.T) {
	e := startTerritories(t)
	for i := range 2 {
		e.Filter().SetScope(i, scope.Scope{Mode: scope.Whole, Enabled: true, Serve: rfc3074.All, Names: []string{fmt.Sprint(i)}})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	territory, decided := e.Territory(), 0
	for range 20000 {
		q, place := anywhere(rng)
		r, ok := territory.place(place)
		if !ok {
			continue
		}
		decided++
		if v := e.Filter().Judge(q); v.Serve && int(v.Relationship) != r {
			t.Fatalf("giaddr or ciaddr %v: the territory says %d, the filter %+v", netip.AddrFrom4(place), r, v)
		}
	}
	if decided < 1000 {
		t.Errorf("only %d queries were placed", decided)
	}
}

// anywhere is a query from near the subnets, and the address that places it.
func anywhere(rng *rand.Rand) (*frame.Query, frame.IP) {
	near := []frame.IP{{10, 0, byte(rng.IntN(6)), byte(rng.IntN(4))}, {172, 16, 0, byte(rng.IntN(3))}, {}}
	place := near[rng.IntN(len(near))]
	q := from(place)
	if rng.IntN(2) == 0 { // by ciaddr, unicast
		copy(q.Message[offGiaddr:], make([]byte, 4))
		copy(q.Message[offCiaddr:], place[:])
	}
	if place == (frame.IP{}) {
		q.Link.Dst = allBroadcast
	}
	return q, place
}

// place is what the kernel does with a territory: the longest prefix.
func (t Territory) place(a frame.IP) (r int, ok bool) {
	if a == (frame.IP{}) {
		r, ok = t.Interfaces[1]
		return r, ok
	}
	best := -1
	for p, v := range t.Prefixes {
		if p.Contains(netip.AddrFrom4(a)) && p.Bits() > best {
			best, r, ok = p.Bits(), v, true
		}
	}
	return r, ok
}
