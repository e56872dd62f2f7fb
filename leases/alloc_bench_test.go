package leases

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// memStore is a store in memory with one subnet of 10.0.0.0/8 per network.
func memStore(tb testing.TB, networks int, last string) *Store {
	s, err := Open(tb.Context(), Options{})
	if err != nil {
		tb.Fatal(err)
	}
	var nets []Network
	for i := range networks {
		first := netip.AddrFrom4([4]byte{byte(10 + i), 0, 0, 1})
		b := netip.MustParseAddr(last).As4()
		b[0] = byte(10 + i)
		nets = append(nets, Network{Subnets: []Subnet{{ID: uint32(i + 1), Prefix: netip.PrefixFrom(first, 8).Masked(),
			Pools: []Pool{{First: first, Last: netip.AddrFrom4(b)}}}}})
	}
	if err := s.Configure(nets); err != nil {
		tb.Fatal(err)
	}
	return s
}

// ethernet is client i with hardware address and the usual client id.
func ethernet(i uint64, id *[7]byte) Client {
	id[0] = 1
	id[1] = 2
	binary.BigEndian.PutUint32(id[3:], uint32(i))
	c := Client{HType: 1, HLen: 6, ID: id[:]}
	copy(c.HW[:], id[1:])
	return c
}

func dora(tb testing.TB, s *Store, network int, b *Batch, i uint64, now int64) {
	var id [7]byte
	who := ethernet(i, &id)
	tx := s.Begin(network)
	defer tx.End()
	v, ok := tx.Allocate(0, nil, &who, netip.Addr{}, now)
	if !ok {
		tb.Fatal("pool full")
	}
	if err := tx.Commit(b, v.Addr, &who, &Grant{CLTT: now, ValidLft: 3600}); err != nil {
		tb.Fatal(err)
	}
}

func BenchmarkDora(b *testing.B) {
	s := memStore(b, 1, "10.255.255.254")
	var batch Batch
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		dora(b, s, 0, &batch, uint64(i), 1_700_000_000)
		if i%256 == 255 {
			batch.Reset()
		}
	}
}

func BenchmarkRenew(b *testing.B) {
	s := memStore(b, 1, "10.255.255.254")
	var batch Batch
	for i := range uint64(100_000) {
		dora(b, s, 0, &batch, i, 1_700_000_000)
		batch.Reset()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		var id [7]byte
		who := ethernet(uint64(i)*7919%100_000, &id)
		tx := s.Begin(0)
		v, ok := tx.Find(0, &who)
		if !ok || tx.Commit(&batch, v.Addr, &who, &Grant{CLTT: 1_700_000_100, ValidLft: 3600}) != nil {
			b.Fatal("lost")
		}
		tx.End()
		if i%256 == 255 {
			batch.Reset()
		}
	}
}

func benchmarkParallel(b *testing.B, networks int) {
	s := memStore(b, networks, "10.255.255.254")
	var worker, client atomic.Uint64
	b.SetParallelism(1)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		net := int(worker.Add(1)-1) % networks
		var batch Batch
		for i := 0; pb.Next(); i++ {
			dora(b, s, net, &batch, client.Add(1), 1_700_000_000)
			if i%256 == 255 {
				batch.Reset()
			}
		}
	})
}

func BenchmarkDoraTwoWorkersOneNetwork(b *testing.B)  { benchmarkParallel(b, 1) }
func BenchmarkDoraTwoWorkersTwoNetworks(b *testing.B) { benchmarkParallel(b, 2) }

// BenchmarkFill measures one allocation with release at several fills of a pool.
func BenchmarkFill(b *testing.B) {
	for _, percent := range []uint64{0, 50, 90, 99, 100} {
		b.Run(string(rune('0'+percent/100))+string(rune('0'+percent/10%10))+string(rune('0'+percent%10)), func(b *testing.B) {
			s := memStore(b, 1, "10.1.255.254")
			var batch Batch
			full := uint64(1<<17 - 2)
			used := full * percent / 100
			for i := range min(used, full-1) {
				dora(b, s, 0, &batch, i, 1_700_000_000)
				batch.Reset()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := uint64(0); b.Loop(); i++ {
				var id [7]byte
				who := ethernet(1<<20+i, &id)
				tx := s.Begin(0)
				v, ok := tx.Allocate(0, nil, &who, netip.Addr{}, 1_700_000_000)
				if !ok || !tx.ForgetOffer(v.Addr, &who) {
					b.Fatal("full")
				}
				tx.End()
			}
		})
	}
}

// BenchmarkReclaim ends 64 leases a round with few and with many others about:
// the cost is that of what ended.
func BenchmarkReclaim(b *testing.B) {
	for _, others := range []uint64{1000, 1_000_000} {
		b.Run(fmt.Sprint(others), func(b *testing.B) {
			s := memStore(b, 1, "10.255.255.254")
			now := time.Now().Unix()
			var batch Batch
			for i := range others {
				var id [7]byte
				who := ethernet(i, &id)
				tx := s.Begin(0)
				v, _ := tx.Allocate(0, nil, &who, netip.Addr{}, now)
				tx.Commit(&batch, v.Addr, &who, &Grant{CLTT: now, ValidLft: 1 << 30})
				tx.End()
				batch.Reset()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for round := 0; b.Loop(); round++ {
				for i := range uint64(64) {
					var id [7]byte
					who := ethernet(1<<28+i, &id)
					tx := s.Begin(0)
					v, _ := tx.Allocate(0, nil, &who, netip.Addr{}, now)
					tx.Commit(&batch, v.Addr, &who, &Grant{CLTT: now, ValidLft: 1})
					tx.End()
				}
				now += 2
				if n, more := s.Reclaim(&batch, time.Unix(now, 0), 1000, nil); n != 64 || more {
					b.Fatal(n, more)
				}
				batch.Reset()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/lease")
		})
	}
}
