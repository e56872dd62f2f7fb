package fastpath

import (
	"testing"
	"time"

	"needletail/internal/frame"
)

// BenchmarkExchange is a batch of queries and their replies through the port.
// The client's system calls are in the time; what counts is that nothing is
// allocated for a packet. A run of live frames allocates its arguments, once
// for all its replies.
func BenchmarkExchange(b *testing.B) {
	for _, send := range []string{Ring, Live} {
		b.Run(send, func(b *testing.B) { benchmarkExchange(b, send) })
	}
}

func benchmarkExchange(b *testing.B, send string) {
	const batch = 32
	bed := newBed(b, 1)
	bed.takes("on")
	port := bed.open(Config{XDP: Native, Send: send}, everybody).Worker(0)
	f := bed.discover([6]byte{2, 0, 0, 0, 7, 1}, frame.ClientPort)
	qs, rs := make([]frame.Query, batch), make([]frame.Reply, batch)
	b.ReportAllocs()
	for b.Loop() {
		for range batch {
			bed.send(f)
		}
		for left := batch; left > 0; {
			n, err := port.Receive(qs, time.Second)
			if err != nil || n == 0 {
				b.Fatal("no query: ", err)
			}
			for i := range qs[:n] {
				if !port.Buffer(&rs[i]) {
					b.Fatal("no buffer")
				}
				answer(&qs[i], &rs[i])
			}
			port.Done(qs[:n])
			port.Send(rs[:n])
			left -= n
		}
	}
}
