package slowpath

import (
	"testing"
	"time"

	"needletail/internal/frame"
)

// BenchmarkPort is queries through a port and replies back to it over a veth
// pair, in bursts; one operation is one query with its reply, the sender's part
// and the kernel's work for both ends included.
func BenchmarkPort(b *testing.B) {
	for _, c := range []struct {
		name string
		open func(PortOptions) (*Ports, error)
	}{{"raw", OpenRaw}, {"udp", OpenUDP}} {
		b.Run(c.name, func(b *testing.B) { benchPort(b, c.open) })
	}
}

func benchPort(b *testing.B, open func(PortOptions) (*Ports, error)) {
	const burst = 64
	e := newBed(b)
	p := e.open(open, 1, "s0").Worker(0)
	wire := e.wire(wireQuery(1))
	v := newVector(burst, 0)
	for i := range burst {
		v.put(i, wire)
	}
	if err := attach(e.tap, nothingFilter()); err != nil { // replies need not pile up there
		b.Fatal(err)
	}
	qs, rs := make([]frame.Query, burst), make([]frame.Reply, burst)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		n, _ := v.send(e.tap, 0, min(burst, b.N-done))
		for n > 0 {
			k, err := p.Receive(qs, time.Second)
			if err != nil {
				b.Fatal(err)
			}
			for i := range k {
				p.Buffer(&rs[i])
				rs[i].Len = 300
				rs[i].To = frame.Destination{
					IfIndex: qs[i].IfIndex, DstMAC: e.c0.MAC, Dst: ip("192.0.2.50"), Src: ip("192.0.2.1"), SrcPort: 67, DstPort: 68,
				}
			}
			p.Send(rs[:k])
			p.Done(qs[:k])
			n -= k
			done += k
		}
	}
}
