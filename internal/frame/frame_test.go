package frame

import (
	"bytes"
	"net"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// build makes a frame with gopacket, so that Parse is not tested against our
// own idea of a frame. Ports, addresses and tags are those of sample.
func build(t testing.TB, message []byte, change func(*layers.IPv4, *layers.UDP), tags ...Tag) []byte {
	t.Helper()
	eth := &layers.Ethernet{
		SrcMAC:       net.HardwareAddr{2, 0, 0, 0, 0, 1},
		DstMAC:       net.HardwareAddr(Broadcast[:]),
		EthernetType: layers.EthernetTypeIPv4,
	}
	stack := []gopacket.SerializableLayer{eth}
	for i, tag := range tags {
		dot := &layers.Dot1Q{VLANIdentifier: tag.TCI & 0xfff, Priority: uint8(tag.TCI >> 13), Type: layers.EthernetTypeIPv4}
		if i == 0 {
			eth.EthernetType = layers.EthernetType(tag.TPID)
		} else {
			stack[i].(*layers.Dot1Q).Type = layers.EthernetType(tag.TPID)
		}
		stack = append(stack, dot)
	}
	ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IP{0, 0, 0, 0}, DstIP: net.IP(BroadcastIP[:])}
	udp := &layers.UDP{SrcPort: ClientPort, DstPort: ServerPort}
	if change != nil {
		change(ip, udp)
	}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	stack = append(stack, ip, udp, gopacket.Payload(message))
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, stack...); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(buf.Bytes())
}

func message(n int) []byte {
	m := make([]byte, n)
	for i := range m {
		m[i] = byte(i * 7)
	}
	return m
}

var (
	tag7   = Tag{TPIDTag, 7}
	tag8   = Tag{TPIDTag, 0x6008}
	outer9 = Tag{TPIDOuter, 9}
)

func TestParseAcceptsQueries(t *testing.T) {
	withOptions := func(ip *layers.IPv4, _ *layers.UDP) {
		ip.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}} // router alert
	}
	for _, c := range []struct {
		name   string
		change func(*layers.IPv4, *layers.UDP)
		tags   []Tag
	}{
		{name: "plain"},
		{name: "one tag", tags: []Tag{tag7}},
		{name: "two customer tags", tags: []Tag{tag7, tag8}},
		{name: "service and customer tag", tags: []Tag{outer9, tag8}},
		{name: "IPv4 options", change: withOptions, tags: []Tag{tag7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := message(301) // odd, for the checksum
			b := build(t, want, c.change, c.tags...)
			for _, padding := range []int{0, 1, 17} {
				var q Query
				if f := Parse(append(bytes.Clone(b), make([]byte, padding)...), Meta{}, &q); f != Whole {
					t.Fatalf("padding %d: %v", padding, f)
				}
				if !bytes.Equal(q.Message, want) {
					t.Errorf("padding %d: wrong message", padding)
				}
				l := Link{SrcMAC: [6]byte{2, 0, 0, 0, 0, 1}, DstMAC: Broadcast, Dst: BroadcastIP, SrcPort: 68, DstPort: 67}
				copy(l.Tags[:], c.tags)
				if q.Link != l {
					t.Errorf("link %+v, want %+v", q.Link, l)
				}
			}
		})
	}
}

func TestParseTakesStrippedTagAsOuter(t *testing.T) {
	var q Query
	if f := Parse(build(t, message(300), nil, tag8), Meta{Tag: outer9}, &q); f != Whole {
		t.Fatal(f)
	}
	if want := [2]Tag{outer9, tag8}; q.Link.Tags != want {
		t.Errorf("tags %v, want %v", q.Link.Tags, want)
	}
	if f := Parse(build(t, message(300), nil, tag7, tag8), Meta{Tag: outer9}, &q); f != FaultTooManyTags {
		t.Errorf("three tags: %v", f)
	}
}

// Each case is a good frame with one thing wrong; at is an offset from the
// start of the IPv4 header of an untagged frame.
func TestParseNamesWhatIsWrong(t *testing.T) {
	const ip, udp = ethernetLen, ethernetLen + ipLen
	set := func(at int, v ...byte) func([]byte) []byte {
		return func(b []byte) []byte { copy(b[at:], v); return b }
	}
	fixed := func(f func([]byte) []byte) func([]byte) []byte { // with a header checksum that is right again
		return func(b []byte) []byte {
			b = f(b)
			put16(b[ip+10:], 0)
			put16(b[ip+10:], ^fold(sum(b[ip:udp], 0)))
			return b
		}
	}
	cut := func(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:n] } }
	for _, c := range []struct {
		name   string
		damage func([]byte) []byte
		want   Fault
	}{
		{"empty", cut(0), FaultTruncated},
		{"half an Ethernet header", cut(13), FaultTruncated},
		{"half an IPv4 header", cut(ip + 19), FaultTruncated},
		{"half a UDP header", cut(udp + 7), FaultTruncated},
		{"half a message", cut(udp + 100), FaultTruncated},
		{"ARP", set(12, 0x08, 0x06), FaultNotIPv4},
		{"version 6", set(ip, 0x65), FaultNotIPv4},
		{"header of 16 bytes", set(ip, 0x44), FaultHeaderLength},
		{"total length below header", fixed(set(ip+2, 0, 19)), FaultHeaderLength},
		{"total length without a UDP header", fixed(set(ip+2, 0, 27)), FaultTruncated},
		{"header checksum", set(ip+10, 0xde, 0xad), FaultIPChecksum},
		{"first fragment", fixed(set(ip+6, 0x20, 0)), FaultFragment},
		{"later fragment", fixed(set(ip+6, 0, 10)), FaultFragment},
		{"TCP", fixed(set(ip+9, 6)), FaultNotUDP},
		{"to the client port", set(udp+2, 0, 68), FaultPort},
		{"UDP length below header", set(udp+4, 0, 7), FaultHeaderLength},
		{"UDP length past the packet", set(udp+4, 0xff, 0xff), FaultTruncated},
		{"UDP checksum", set(udp+6, 0xde, 0xad), FaultUDPChecksum},
		{"a changed byte of the message", set(udp+50, 0xff, 0xff, 0xff), FaultUDPChecksum},
		{"don't fragment is no fragment", fixed(set(ip+6, 0x40, 0)), Whole},
		{"no UDP checksum", set(udp+6, 0, 0), Whole},
	} {
		t.Run(c.name, func(t *testing.T) {
			var q Query
			if got := Parse(c.damage(build(t, message(300), nil)), Meta{}, &q); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	t.Run("tag without an ethertype", func(t *testing.T) {
		var q Query
		if got := Parse(build(t, message(300), nil, tag7)[:17], Meta{}, &q); got != FaultTruncated {
			t.Errorf("got %v", got)
		}
	})
}

func TestParseTrustsWhereTold(t *testing.T) {
	b := build(t, message(300), nil)
	put16(b[ethernetLen+ipLen+6:], 0xdead) // as a veth leaves it
	var q Query
	if f := Parse(b, Meta{Trusted: true}, &q); f != Whole {
		t.Errorf("trusted: %v", f)
	}
	put16(b[ethernetLen+10:], 0xdead)
	if f := Parse(b, Meta{Trusted: true}, &q); f != FaultIPChecksum {
		t.Errorf("the IPv4 header is never trusted: %v", f)
	}
}

func TestParsePartialChecksum(t *testing.T) {
	b := build(t, message(300), nil)
	udp := b[ethernetLen+ipLen:]
	right, seed := get16(udp[6:]), fold(pseudo(b[ethernetLen+12:], len(udp)))
	for check, want := range map[uint16]Fault{right: Whole, seed: Whole, 0: Whole, right + 1: FaultUDPChecksum, ^seed: FaultUDPChecksum} {
		put16(udp[6:], check)
		var q Query
		if f := Parse(b, Meta{Partial: true}, &q); f != want {
			t.Errorf("checksum %#x: %v, want %v", check, f, want)
		}
	}
	put16(udp[6:], seed)
	if f := Parse(b, Meta{}, new(Query)); f != FaultUDPChecksum {
		t.Errorf("the pseudo header's sum where the checksum must be filled in: %v", f)
	}
}

func reply(n int) *Reply {
	r := &Reply{Buf: make([]byte, Headroom+MessageMax), Len: n}
	copy(r.Message(), message(n))
	r.To = Destination{
		DstMAC:  [6]byte{2, 0, 0, 0, 0, 9},
		Src:     IP{192, 0, 2, 1},
		Dst:     IP{192, 0, 2, 10},
		SrcPort: ServerPort,
		DstPort: ClientPort,
	}
	return r
}

// TestWriteSatisfiesGopacket reads what Write wrote with another implementation
// and recomputes its checksums there.
func TestWriteSatisfiesGopacket(t *testing.T) {
	for _, tags := range [][2]Tag{{}, {tag8}, {outer9, tag7}} {
		for _, n := range []int{0, 1, 300, 301, MessageMax} {
			r := reply(n)
			r.To.Tags = tags
			b := Write(r, [6]byte{2, 0, 0, 0, 0, 2})
			checkWithGopacket(t, b, r)
		}
	}
}

func checkWithGopacket(t *testing.T, b []byte, r *Reply) {
	t.Helper()
	p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
	eth := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
	ip := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	udp := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if !bytes.Equal(eth.DstMAC, r.To.DstMAC[:]) || !bytes.Equal(eth.SrcMAC, []byte{2, 0, 0, 0, 0, 2}) {
		t.Errorf("MAC addresses %v %v", eth.SrcMAC, eth.DstMAC)
	}
	if !bytes.Equal(ip.SrcIP.To4(), r.To.Src[:]) || !bytes.Equal(ip.DstIP.To4(), r.To.Dst[:]) {
		t.Errorf("addresses %v %v", ip.SrcIP, ip.DstIP)
	}
	if udp.SrcPort != layers.UDPPort(r.To.SrcPort) || udp.DstPort != layers.UDPPort(r.To.DstPort) {
		t.Errorf("ports %v %v", udp.SrcPort, udp.DstPort)
	}
	if !bytes.Equal(udp.Payload, r.Message()[:r.Len]) {
		t.Error("another message")
	}
	var tags [2]Tag
	kind := eth.EthernetType
	n := 0
	for _, l := range p.Layers() {
		if d, ok := l.(*layers.Dot1Q); ok {
			tags[n] = Tag{uint16(kind), uint16(d.Priority)<<13 | d.VLANIdentifier}
			kind = d.Type
			n++
		}
	}
	if tags != r.To.Tags {
		t.Errorf("tags %v, want %v", tags, r.To.Tags)
	}
	_ = udp.SetNetworkLayerForChecksum(ip)
	if err, mismatches := p.VerifyChecksums(); err != nil || len(mismatches) > 0 {
		t.Errorf("checksums: %v %v", err, mismatches)
	}
}

func TestWriteNeverSaysNoChecksum(t *testing.T) {
	r := reply(2)
	for v := range 1 << 16 {
		put16(r.Message(), uint16(v))
		b := Write(r, [6]byte{})
		if get16(b[ethernetLen+ipLen+6:]) == 0 {
			t.Fatalf("message %04x: checksum 0 means none (RFC 768)", v)
		}
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	b, r := build(t, message(300), nil, tag7), reply(300)
	var q Query
	if n := testing.AllocsPerRun(100, func() { Parse(b, Meta{}, &q); Write(r, [6]byte{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct {
		name string
		m    Meta
	}{{"checksum", Meta{}}, {"trusted", Meta{Trusted: true}}} {
		b.Run(c.name, func(b *testing.B) {
			data := build(b, message(300), nil, tag7)
			b.ReportAllocs()
			var q Query
			for b.Loop() {
				Parse(data, c.m, &q)
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	r := reply(300)
	r.To.Tags[0] = tag7
	b.ReportAllocs()
	for b.Loop() {
		Write(r, [6]byte{})
	}
}
