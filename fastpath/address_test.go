package fastpath

import (
	"net/netip"
	"testing"
	"time"

	"needletail/internal/frame"
	"needletail/internal/netif"
)

// TestAddressServed: of an interface that is to serve one of its addresses, a
// query to another one is not taken, whatever the interface beside it serves.
func TestAddressServed(t *testing.T) {
	b := newBed(t, 1)
	b.check(b.ns.Address("srv", "192.0.2.5/24"))
	b.look()
	p := b.open(Config{XDP: Native}, everybody)
	one := netif.Picked{Interface: b.srv, Only: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	beside := netif.Picked{Interface: netif.Interface{Name: "lo", Index: 1, Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}}}
	for _, c := range []struct {
		what  string
		at    netif.Picked
		dst   frame.IP
		taken int
	}{
		{"the one address", one, frame.IP{192, 0, 2, 1}, 1},
		{"another of the interface", one, frame.IP{192, 0, 2, 5}, 0},
		{"one of another interface", one, frame.IP{198, 51, 100, 1}, 0},
		{"broadcast", one, frame.BroadcastIP, 1},
		{"any of the interface", netif.Picked{Interface: b.srv}, frame.IP{192, 0, 2, 5}, 1},
		{"any of the host", netif.Picked{Interface: b.srv}, frame.IP{198, 51, 100, 1}, 1},
	} {
		_ = b.ns.Do(func() error { return p.SetInterfaces([]netif.Picked{c.at, beside}) }) // no program for the loopback
		b.send(b.discoverTo(frame.Destination{DstMAC: frame.Broadcast, Dst: c.dst, SrcPort: frame.ClientPort}, [6]byte{2, 0, 0, 0, 8, 1}))
		qs := make([]frame.Query, 1)
		wait := map[int]time.Duration{0: 200 * time.Millisecond, 1: 5 * time.Second}[c.taken]
		n := b.receive(p.Worker(0), qs, wait)
		if n != c.taken {
			t.Errorf("%s: %d taken, want %d", c.what, n, c.taken)
		}
		p.Worker(0).Done(qs[:n])
	}
}
