package frame

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// FuzzParse holds Parse against gopacket: a frame that Parse takes for a query
// must be one there, with the same addresses, ports and message.
func FuzzParse(f *testing.F) {
	withOptions := func(ip *layers.IPv4, _ *layers.UDP) {
		ip.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}
	}
	f.Add(build(f, message(300), nil), false)
	f.Add(build(f, message(3), nil, tag7), true)
	f.Add(build(f, message(301), withOptions, outer9, tag8), false)
	f.Add(build(f, nil, nil), false)
	f.Add(append(build(f, message(10), nil), 1, 2, 3), false)
	f.Fuzz(func(t *testing.T, b []byte, trusted bool) {
		kept := bytes.Clone(b)
		var q Query
		fault := Parse(b, Meta{Trusted: trusted}, &q)
		if !bytes.Equal(b, kept) {
			t.Fatal("the frame was changed")
		}
		if fault == Whole {
			compare(t, b, &q, trusted)
		}
	})
}

func compare(t *testing.T, b []byte, q *Query, trusted bool) {
	p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.NoCopy)
	ip, ok := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	if !ok {
		t.Fatalf("gopacket finds no IPv4: %v", p)
	}
	if !bytes.Equal(ip.SrcIP.To4(), q.Link.Src[:]) || !bytes.Equal(ip.DstIP.To4(), q.Link.Dst[:]) {
		t.Fatalf("addresses %v %v", ip.SrcIP, ip.DstIP)
	}
	udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if !ok {
		t.Fatalf("gopacket finds no UDP: %v", p)
	}
	if uint16(udp.SrcPort) != q.Link.SrcPort || uint16(udp.DstPort) != q.Link.DstPort {
		t.Fatalf("ports %v %v", udp.SrcPort, udp.DstPort)
	}
	if !bytes.Equal(udp.Payload, q.Message) {
		t.Fatalf("message of %d bytes, gopacket %d", len(q.Message), len(udp.Payload))
	}
	_ = udp.SetNetworkLayerForChecksum(ip)
	if err, wrong := p.VerifyChecksums(); !trusted && udp.Checksum != 0 && (err != nil || len(wrong) > 0) {
		t.Fatalf("checksums: %v %v", err, wrong)
	}
}

// FuzzRoundTrip: whatever Write writes, Parse reads back and gopacket believes.
func FuzzRoundTrip(f *testing.F) {
	f.Add(message(300), uint16(0), uint16(0), uint16(0), uint32(0xc0000201), uint32(0xffffffff), uint16(67), byte(0))
	f.Add([]byte{}, uint16(7), uint16(0), uint16(1), uint32(1), uint32(2), uint16(1067), byte(1))
	f.Add(message(MessageMax), uint16(7), uint16(0xffff), uint16(9), uint32(0), uint32(0), uint16(0), byte(2))
	f.Fuzz(func(t *testing.T, m []byte, tci0, tci1, mac uint16, src, dst uint32, sport uint16, tags byte) {
		m = m[:min(len(m), MessageMax)]
		r := &Reply{Buf: make([]byte, Headroom+MessageMax), Len: len(m)}
		copy(r.Message(), m)
		r.To = Destination{DstMAC: [6]byte{byte(mac), byte(mac >> 8)}, SrcPort: sport, DstPort: ServerPort}
		r.To.Src = IP{byte(src), byte(src >> 8), byte(src >> 16), byte(src >> 24)}
		r.To.Dst = IP{byte(dst), byte(dst >> 8), byte(dst >> 16), byte(dst >> 24)}
		if tags%3 > 0 {
			r.To.Tags[0] = Tag{TPIDOuter, tci0}
		}
		if tags%3 > 1 {
			r.To.Tags[1] = Tag{TPIDTag, tci1}
		}
		var q Query
		if fault := Parse(Write(r, [6]byte{9}), Meta{}, &q); fault != Whole {
			t.Fatal(fault)
		}
		want := Link{SrcMAC: [6]byte{9}, DstMAC: r.To.DstMAC, Tags: r.To.Tags, Src: r.To.Src, Dst: r.To.Dst, SrcPort: sport, DstPort: ServerPort}
		if q.Link != want || !bytes.Equal(q.Message, m) {
			t.Fatalf("link %+v, want %+v", q.Link, want)
		}
		compare(t, Write(r, [6]byte{9}), &q, false)
	})
}
