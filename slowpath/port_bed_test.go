package slowpath

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"

	"needletail/internal/frame"
	"needletail/internal/netif"
	"needletail/internal/netif/nettest"
)

// bed is a server and a client namespace on one link: s0 192.0.2.1/24 and
// c0 192.0.2.2/24, with a packet socket on the client's end.
type bed struct {
	t              testing.TB
	lab            *nettest.Lab
	server, client *nettest.Namespace
	s0, c0         netif.Interface
	tap            int // AF_PACKET on c0, blocking with a timeout
}

func newBed(t testing.TB) *bed {
	t.Helper()
	b := &bed{t: t, lab: nettest.ForTest(t)}
	b.server, b.client = b.namespace("server"), b.namespace("client")
	b.must(b.lab.Veth(b.server, "s0", b.client, "c0"))
	b.must(b.server.Address("s0", "192.0.2.1/24"))
	b.must(b.client.Address("c0", "192.0.2.2/24"))
	b.s0, b.c0 = b.look(b.server, "s0"), b.look(b.client, "c0")
	b.must(b.client.Do(func() (err error) {
		b.tap, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return unix.Bind(b.tap, &unix.SockaddrLinklayer{Protocol: swap16(unix.ETH_P_ALL), Ifindex: b.c0.Index})
	}))
	t.Cleanup(func() { unix.Close(b.tap) })
	b.must(unix.SetsockoptTimeval(b.tap, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 3}))
	b.must(unix.SetsockoptInt(b.tap, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1))
	b.must(unix.SetsockoptInt(b.tap, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1))
	return b
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) namespace(name string) *nettest.Namespace {
	b.t.Helper()
	n, err := b.lab.Namespace(name)
	b.must(err)
	return n
}

func (b *bed) look(n *nettest.Namespace, ifname string) (i netif.Interface) {
	b.t.Helper()
	b.must(n.Do(func() (err error) { i, err = netif.ByName(ifname); return err }))
	return i
}

// open makes ports over the named interfaces of the server.
func (b *bed) open(opener func(PortOptions) (*Ports, error), workers int, names ...string) *Ports {
	b.t.Helper()
	var ports *Ports
	b.must(b.server.Do(func() (err error) {
		ports, err = opener(PortOptions{Interfaces: b.pick(names...), Workers: workers, Queries: 1024, Replies: 256})
		return err
	}))
	b.t.Cleanup(func() { ports.Close() })
	return ports
}

// pick takes names, or NAME/ADDRESS. It must run inside the server's namespace.
func (b *bed) pick(names ...string) []netif.Picked {
	all, err := netif.List()
	if err != nil {
		b.t.Error(err)
	}
	var patterns []netif.Pattern
	for _, n := range names {
		name, addr, _ := strings.Cut(n, "/")
		only, _ := netip.ParseAddr(addr)
		patterns = append(patterns, netif.Pattern{Name: name, Addr: only})
	}
	picked, _ := netif.Pick(all, patterns)
	return picked
}

// wireQuery is what a client sends: 300 bytes with a hardware address and an xid.
func wireQuery(client uint32) []byte {
	m := make([]byte, 300)
	copy(m, []byte{1, 1, 6, 0})
	copy(m[4:], []byte{byte(client >> 24), byte(client >> 16), byte(client >> 8), byte(client)})
	copy(m[28:], []byte{2, 0, byte(client >> 24), byte(client >> 16), byte(client >> 8), byte(client)})
	copy(m[236:], []byte{99, 130, 83, 99, 53, 1, 1, 255})
	return m
}

// wire makes the frame of a client's broadcast.
func (b *bed) wire(m []byte, tags ...frame.Tag) []byte {
	r := &frame.Reply{Buf: make([]byte, frame.Headroom+frame.MessageMax), Len: len(m)}
	copy(r.Message(), m)
	r.To = frame.Destination{DstMAC: frame.Broadcast, Dst: frame.BroadcastIP, SrcPort: 68, DstPort: 67}
	copy(r.To.Tags[:], tags)
	return bytes.Clone(frame.Write(r, b.c0.MAC))
}

func (b *bed) send(wire []byte) {
	b.t.Helper()
	b.must(unix.Sendto(b.tap, wire, 0, &unix.SockaddrLinklayer{Ifindex: b.c0.Index}))
}

// heard is a DHCP reply as the client's end of the link saw it.
type heard struct {
	eth     *layers.Ethernet
	ip      *layers.IPv4
	udp     *layers.UDP
	tags    []frame.Tag
	message []byte
}

// hear returns the next UDP packet to a port at the client's end.
func (b *bed) hear(port uint16) *heard {
	b.t.Helper()
	for {
		buf, oob := make([]byte, 4096), make([]byte, 64)
		n, _, _, _, err := unix.Recvmsg(b.tap, buf, oob, 0)
		if err != nil {
			b.t.Fatalf("no reply to port %d: %v", port, err)
		}
		h := decodeWire(buf[:n])
		if h.udp == nil || uint16(h.udp.DstPort) != port {
			continue
		}
		// The kernel takes the outer tag out on receive.
		if aux := auxOf(oob); aux.Status&unix.TP_STATUS_VLAN_VALID != 0 {
			h.tags = append([]frame.Tag{{TPID: aux.Vlan_tpid, TCI: aux.Vlan_tci}}, h.tags...)
		}
		return h
	}
}

func auxOf(oob []byte) unix.TpacketAuxdata {
	v := newVector(1, withControls)
	v.put(0, make([]byte, 1))
	copyControl(v, oob)
	aux, _ := v.auxdata(0)
	return aux
}

func decodeWire(wire []byte) *heard {
	p := gopacket.NewPacket(wire, layers.LayerTypeEthernet, gopacket.Default)
	h := new(heard)
	h.eth, _ = p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
	h.ip, _ = p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	h.udp, _ = p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	kind := layers.EthernetType(0)
	if h.eth != nil {
		kind = h.eth.EthernetType
	}
	for _, l := range p.Layers() {
		if d, ok := l.(*layers.Dot1Q); ok {
			h.tags = append(h.tags, frame.Tag{TPID: uint16(kind), TCI: uint16(d.Priority)<<13 | d.VLANIdentifier})
			kind = d.Type
		}
	}
	if h.udp != nil {
		h.message = h.udp.Payload
	}
	return h
}

// await receives one query within seconds, or returns nil after the time given.
func await(t *testing.T, p Port, within time.Duration) *frame.Query {
	t.Helper()
	qs := make([]frame.Query, 1)
	for deadline := time.Now().Add(within); ; {
		n, err := p.Receive(qs, time.Until(deadline))
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			return &qs[0]
		}
		if time.Now().After(deadline) {
			return nil
		}
	}
}

func mustAwait(t *testing.T, p Port) *frame.Query {
	t.Helper()
	q := await(t, p, 3*time.Second)
	if q == nil {
		t.Fatal("no query arrived")
	}
	return q
}

// answerTo sends m back the way the query came, to what change makes of it.
func answerTo(t *testing.T, p Port, q *frame.Query, m []byte, change func(*frame.Destination)) {
	t.Helper()
	rs := make([]frame.Reply, 1)
	if !p.Buffer(&rs[0]) {
		t.Fatal("no buffer")
	}
	rs[0].Len = copy(rs[0].Message(), m)
	rs[0].To = frame.Destination{
		IfIndex: q.IfIndex, DstMAC: q.Link.SrcMAC, Tags: q.Link.Tags,
		Src: ip("192.0.2.1"), Dst: ip("192.0.2.50"), SrcPort: 67, DstPort: 68,
	}
	if change != nil {
		change(&rs[0].To)
	}
	p.Send(rs)
	p.Done([]frame.Query{*q})
}

func ip(s string) frame.IP { return netip.MustParseAddr(s).As4() }
