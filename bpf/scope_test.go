package bpf

import (
	"sync/atomic"
	"testing"

	"github.com/cilium/ebpf"

	"needletail/internal/rfc3074"
)

// TestScopeIsReplacedWhole changes a scope as fast as it can while packets are
// judged. Every value written is one of two, and each packet must see one of
// them whole: in the first, everybody is served; in the second nobody is, and
// is counted. The fields lie apart in the value, so a torn read would show
// as a query dropped without being counted.
func TestScopeIsReplacedWhole(t *testing.T) {
	k := load(t)
	k.relationships(1)
	all := hashed(rfc3074.All)
	none := interrupted(2)
	none.UnackedMax = 1 << 31
	boxes := [2]*ebpf.Map{k.box(all), k.box(none)}
	if err := k.Scopes.Put(uint32(0), boxes[0]); err != nil {
		t.Fatal(err)
	}
	f := discover([6]byte{2}, nil).frame()
	var stop atomic.Bool
	swaps := make(chan int)
	go func() {
		n := 0
		for ; !stop.Load(); n++ {
			if err := k.Scopes.Put(uint32(0), boxes[n&1]); err != nil {
				t.Error(err)
				break
			}
		}
		swaps <- n
	}()
	before := k.counters()
	for range 20 {
		if _, err := k.Dhcp.Run(&ebpf.RunOptions{Data: f, Repeat: 1_000_000}); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	n := <-swaps
	var served, dropped uint64
	for v, now := range k.counters() {
		switch got := now - before[v]; k.names[v] {
		case "served-pass":
			served = got
		case "unacked":
			dropped = got
		default:
			if got != 0 {
				t.Errorf("%d packets %s: a mixed scope", got, k.names[v])
			}
		}
	}
	if analyzed := k.census(0).analyzed; analyzed != dropped {
		t.Errorf("%d dropped, %d analysed", dropped, analyzed)
	}
	t.Logf("%d changes of scope while %d packets were served and %d dropped", n, served, dropped)
	if n < 2 || served == 0 || dropped == 0 {
		t.Error("the packets did not meet both scopes")
	}
}

// box returns a map that holds one scope.
func (k *kernel) box(s DhcpScope) *ebpf.Map {
	k.t.Helper()
	spec, err := Spec()
	if err != nil {
		k.t.Fatal(err)
	}
	box, err := ebpf.NewMap(spec.Maps["scope_box"])
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { box.Close() })
	if err := box.Put(uint32(0), s); err != nil {
		k.t.Fatal(err)
	}
	return box
}
