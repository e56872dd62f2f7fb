package ha

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"needletail/leases"
)

// benchUpdates has workers replicate batches of 64 queries as fast as the
// partner acknowledges them, `flying` batches at a time.
func benchUpdates(b *testing.B, n *node) {
	const queries, flying = 64, 16
	n.links[0].parkedMax = queries * flying
	free := make(chan *leases.Batch, flying)
	for range flying {
		free <- new(leases.Batch)
	}
	var wait sync.WaitGroup
	now := time.Unix(time.Now().Unix(), 0)
	hw := make([]byte, 6)
	b.ReportAllocs()
	b.ResetTimer()
	next := uint32(0)
	for sent := 0; sent < b.N; sent += queries {
		batch := <-free
		batch.Reset()
		for range queries {
			batch.Query(0, 0)
			binary.BigEndian.PutUint32(hw[2:], next%500_000)
			l := leases.Lease{Addr: addrOf(10<<24 + 1 + next%500_000), SubnetID: 2, HType: 1, HW: hw, CLTT: now, ValidLft: 600}
			if _, err := n.store.Put(batch, &l); err != nil {
				b.Fatal(err)
			}
			next++
		}
		wait.Add(1)
		if !n.Replicate(batch, func(batch *leases.Batch) {
			for _, q := range batch.Queries() {
				if !q.OK {
					b.Error("refused")
					break
				}
			}
			free <- batch
			wait.Done()
		}) {
			b.Fatal("nothing was awaited")
		}
	}
	wait.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

// BenchmarkUpdatesToNeedletail: the partner's store is on disk and synced
// before it answers.
func BenchmarkUpdatesToNeedletail(b *testing.B) {
	at, to := freePort(b), freePort(b)
	conf := pairConfig("server1", "hot-standby", at, to)
	conf.MaxResponseDelay = time.Minute // or a busy disk looks like a lost partner
	one := startNode(b, conf)
	two := startNodeOn(b, testStore(b, b.TempDir()), pairConfig("server2", "hot-standby", at, to))
	one.reach(HotStandby)
	two.reach(HotStandby)
	benchUpdates(b, one)
}

// BenchmarkUpdatesToFakeKea: one lease a request over four connections; the
// fake is quicker than any Kea, so this is the bound of our side.
func BenchmarkUpdatesToFakeKea(b *testing.B) {
	n, k := withFakeKea(b)
	k.set(func() { k.deaf = true })
	benchUpdates(b, n)
}
