package server

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"needletail/internal/scope"
	"needletail/slowpath"
)

// places is a kernel filter that knows relays.
type places []netip.Addr

func (places) SetScope(int, scope.Scope)        {}
func (places) Unacked(int) scope.Unacked        { return scope.Unacked{} }
func (p places) UnackedRelays(int) []netip.Addr { return p }
func (places) OnUnacked(func(relationship int)) {}

// Relays are named in order, each once, and not too many of them.
func TestWhereUnackedClientsAre(t *testing.T) {
	var known places
	for n := range 2 * whereMax {
		known = append(known, netip.AddrFrom4([4]byte{192, 0, 2, byte(100 - n)}))
	}
	known = append(known, known[0], netip.IPv4Unspecified())
	got := (&filters{new(slowpath.Filter), known}).where(0)
	want := []string{"no relay"}
	for n := range whereMax - 1 {
		want = append(want, fmt.Sprint("relay 192.0.2.", 101-2*whereMax+n))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := (&filters{user: new(slowpath.Filter)}).where(0); got != nil {
		t.Errorf("without a fast path: %v", got)
	}
}
