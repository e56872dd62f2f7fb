package fastpath

import (
	"testing"
	"time"

	"needletail/internal/frame"
	"needletail/internal/netif"
)

// TestVLANServedBeside: the queries of a VLAN belong to its own interface, where
// that is served too, and to the parent again when it is not.
func TestVLANServedBeside(t *testing.T) {
	b := newBed(t, 1)
	p := b.open(Config{}, everybody)
	vlan := netif.Interface{Name: "srv.7", Index: 1 << 20, Kind: "vlan", Parent: b.srv.Index, VLAN: 7, Ethernet: true}
	for _, c := range []struct {
		beside []netif.Picked
		taken  int
	}{{nil, 1}, {[]netif.Picked{{Interface: vlan}}, 0}, {nil, 1}} {
		b.check(b.ns.Do(func() error {
			return p.SetInterfaces(append([]netif.Picked{{Interface: b.srv}}, c.beside...))
		}))
		qs := make([]frame.Query, 1)
		b.send(b.discover([6]byte{2, 0, 0, 0, 7, 1}, frame.ClientPort, frame.Tag{TPID: frame.TPIDTag, TCI: 7}))
		wait := map[int]time.Duration{0: 200 * time.Millisecond, 1: 5 * time.Second}[c.taken]
		n := b.receive(p.Worker(0), qs, wait)
		if n != c.taken {
			t.Errorf("beside %d VLAN interfaces took %d queries, want %d; verdicts %v", len(c.beside), n, c.taken, p.Verdicts())
		}
		p.Worker(0).Done(qs[:n])
	}
}
