package server

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/leases"
)

// A cycle reclaims no more than it may, the next goes on, and zero means all.
func TestExpiryCyclesAreBounded(t *testing.T) {
	const expired = 1200
	store := storeWith(t, expired)
	e := newExpiry(store, nil, slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		max, left int
		time      time.Duration
	}{{100, 1100, 0}, {0, 1100, time.Nanosecond}, {700, 400, 0}, {0, 0, time.Minute}, {100, 0, 0}} {
		if err := e.cycle(t.Context(), config.ExpiredLeases{MaxReclaimLeases: c.max, MaxReclaimTime: c.time}); err != nil {
			t.Fatal(err)
		}
		if left := len(store.ByState(leases.Active, 0)); left != c.left {
			t.Fatalf("after a cycle of at most %d: %d expired leases are left, want %d", c.max, left, c.left)
		}
	}
}

// storeWith is a store in memory with n leases that ended an hour ago.
func storeWith(t *testing.T, n int) *leases.Store {
	t.Helper()
	store := openedStore(t, leases.Options{})
	fill(t, store, n)
	return store
}

// storeOnDisk is an empty one in a directory.
func storeOnDisk(t *testing.T) *leases.Store {
	t.Helper()
	return openedStore(t, leases.Options{Dir: t.TempDir()})
}

func openedStore(t *testing.T, o leases.Options) *leases.Store {
	t.Helper()
	store, err := leases.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	configureTestSubnet(t, store)
	return store
}

func configureTestSubnet(t *testing.T, store *leases.Store) {
	t.Helper()
	subnet := leases.Subnet{ID: 1, Prefix: netip.MustParsePrefix("10.0.0.0/8"),
		Pools: []leases.Pool{{First: netip.MustParseAddr("10.0.0.0"), Last: netip.MustParseAddr("10.0.255.255")}}}
	if err := store.Configure([]leases.Network{{Subnets: []leases.Subnet{subnet}}}); err != nil {
		t.Fatal(err)
	}
}

// fill adds n leases that ended an hour ago.
func fill(t *testing.T, store *leases.Store, n int) {
	t.Helper()
	var b leases.Batch
	for i := range n {
		addr := [4]byte{10}
		binary.BigEndian.PutUint16(addr[2:], uint16(i))
		l := leases.Lease{Addr: netip.AddrFrom4(addr), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, byte(i >> 8), byte(i)}, CLTT: time.Now().Add(-2 * time.Hour).Truncate(time.Second), ValidLft: 3600}
		if _, err := store.Put(&b, &l); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Write(&b); err != nil {
		t.Fatal(err)
	}
}
