package ha

import (
	"encoding/binary"
	"testing"
	"time"

	"needletail/leases"
)

// fill puts n leases of subnet 2 into a store.
func fill(t testing.TB, s *leases.Store, n int) {
	var b leases.Batch
	cltt := time.Unix(time.Now().Unix()-60, 0)
	for i := range n {
		hw := binary.BigEndian.AppendUint32([]byte{2, 0}, uint32(i))
		l := leases.Lease{Addr: addrOf(10<<24 + 1 + uint32(i)), SubnetID: 2, HType: 1, HW: hw,
			ClientID: append([]byte{1}, hw...), CLTT: cltt, ValidLft: 86400}
		if _, err := s.Put(&b, &l); err != nil {
			t.Fatal(err)
		}
		if b.Len() >= mergeBatch {
			if err := commit(s, &b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := commit(s, &b); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkSyncMillion copies a million leases between two needletails over
// loopback HTTP, both stores on disk. The goal is 10 s.
func BenchmarkSyncMillion(b *testing.B) {
	const million = 1_000_000
	full := testStore(b, b.TempDir())
	fill(b, full, million)
	for b.Loop() {
		b.StopTimer()
		at, to := freePort(b), freePort(b)
		from := startNodeOn(b, full, pairConfig("server1", "hot-standby", at, to))
		into := startNodeOn(b, testStore(b, b.TempDir()), pairConfig("server2", "hot-standby", at, to))
		waitFor(b, "server2 knows its partner", func() bool { return into.links[0].partner.ability().known() })
		b.StartTimer()
		into.reach(HotStandby)
		b.StopTimer()
		if l, ok := into.store.Get(addrOf(10<<24 + million)); !ok {
			b.Fatalf("the last lease is missing: %v", l)
		}
		from.Close()
		into.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Seconds())/float64(b.N), "s/sync")
}
