package fastpath

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
	"needletail/internal/netif"
	"needletail/internal/netif/nettest"
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
)

// bed is a server's interface "srv" and, at the other end of a veth pair, a
// client that sends and hears whole frames.
type bed struct {
	t      testing.TB
	ns     *nettest.Namespace
	far    *nettest.Namespace
	client int
	cliMAC [6]byte
	srv    netif.Interface
}

func newBed(t testing.TB, queues int) *bed {
	return newBedOf(t, func(lab *nettest.Lab, srv, cli *nettest.Namespace) error {
		return lab.Veth(srv, "srv", cli, "cli", queues)
	})
}

// newBedOf makes a bed of interfaces that join puts into the two namespaces.
func newBedOf(t testing.TB, join func(lab *nettest.Lab, srv, cli *nettest.Namespace) error) *bed {
	lab := nettest.ForTest(t)
	b := &bed{t: t}
	var err error
	if b.ns, err = lab.Namespace("srv"); err != nil {
		t.Fatal(err)
	}
	if b.far, err = lab.Namespace("cli"); err != nil {
		t.Fatal(err)
	}
	b.check(join(lab, b.ns, b.far))
	b.check(b.ns.Address("srv", "192.0.2.1/24"))
	b.check(b.far.Do(b.openClient))
	t.Cleanup(func() { unix.Close(b.client) })
	b.look()
	return b
}

func (b *bed) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// look reads the server's interface anew.
func (b *bed) look() {
	b.t.Helper()
	b.check(b.ns.Do(func() (err error) { b.srv, err = netif.ByName("srv"); return err }))
}

func (b *bed) openClient() error {
	cli, err := net.InterfaceByName("cli")
	if err != nil {
		return err
	}
	copy(b.cliMAC[:], cli.HardwareAddr)
	all := int(binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})) // in network order
	if b.client, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all); err != nil {
		return err
	}
	if err := unix.Bind(b.client, &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: cli.Index}); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(b.client, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
		return err
	}
	// A live frame counts as a page against the buffer.
	if err := unix.SetsockoptInt(b.client, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20); err != nil {
		return err
	}
	return unix.SetsockoptTimeval(b.client, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5})
}

// open makes a path on the server's interface that serves the given buckets.
func (b *bed) open(c Config, s scope.Scope) *Path {
	b.t.Helper()
	var p *Path
	b.check(b.ns.Do(func() (err error) { p, err = Open(c); return err }))
	b.t.Cleanup(func() {
		for _, port := range p.ports {
			port.Close()
		}
		if err := p.Close(); err != nil {
			b.t.Error(err)
		}
	})
	p.SetScope(0, s)
	b.check(b.serve(p))
	return p
}

func (b *bed) serve(p *Path) error {
	return b.ns.Do(func() error { return p.SetInterfaces([]netif.Picked{{Interface: b.srv}}) })
}

// everybody is the scope of a server without HA.
var everybody = scope.Scope{Mode: scope.Hashed, Enabled: true, Serve: rfc3074.All}

// discover returns a frame from the client.
func (b *bed) discover(mac [6]byte, srcPort uint16, tags ...frame.Tag) []byte {
	to := frame.Destination{DstMAC: frame.Broadcast, Dst: frame.BroadcastIP, SrcPort: srcPort}
	copy(to.Tags[:], tags)
	return b.discoverTo(to, mac)
}

// discoverTo returns one to other addresses.
func (b *bed) discoverTo(to frame.Destination, mac [6]byte) []byte {
	var r frame.Reply
	r.Buf = make([]byte, frame.Headroom+frame.MessageMax)
	m := r.Message()[:300]
	m[0], m[1], m[2] = 1, 1, 6
	copy(m[28:], mac[:])
	copy(m[236:], []byte{99, 130, 83, 99, 53, 1, 1, 255})
	r.Len = len(m)
	r.To = to
	r.To.DstPort = frame.ServerPort
	return frame.Write(&r, b.cliMAC)
}

// send sends a frame. The veth refuses it while its queue is full of a flood:
// then it has not left the client.
func (b *bed) send(f []byte) {
	b.t.Helper()
	for {
		_, err := unix.Write(b.client, f)
		if err == nil {
			return
		}
		if !errors.Is(err, unix.ENOBUFS) {
			b.t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// take sends a query and returns it as a worker receives it, which then owes it
// its Done.
func (b *bed) take(p *Port, f []byte) []frame.Query {
	b.t.Helper()
	b.send(f)
	qs := make([]frame.Query, 1)
	if n := b.receive(p, qs, 5*time.Second); n != 1 {
		b.t.Fatalf("%d queries received; %+v", n, p.Stats())
	}
	return qs
}

// receive is Receive that waits on where a Wake or a signal has ended the wait.
func (b *bed) receive(p *Port, qs []frame.Query, wait time.Duration) int {
	b.t.Helper()
	for end := time.Now().Add(wait); ; {
		n, err := p.Receive(qs, time.Until(end))
		b.check(err)
		if n > 0 || !time.Now().Before(end) {
			return n
		}
	}
}

// hear returns the next DHCP reply that reaches the client, its tags included:
// the kernel has taken the outer one out of the frame.
func (b *bed) hear() (frame.Query, error) {
	buf, oob := make([]byte, 2048), make([]byte, 128)
	for {
		n, on, _, from, err := unix.Recvmsg(b.client, buf, oob, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return frame.Query{}, fmt.Errorf("no reply: %w", err)
		}
		if ll := from.(*unix.SockaddrLinklayer); ll.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		f := append([]byte(nil), buf[:n]...)
		var q frame.Query
		// Parse knows queries only: make the reply look like one.
		if at := udpAt(f); at > 0 && binary.BigEndian.Uint16(f[at+2:]) == frame.ClientPort {
			binary.BigEndian.PutUint16(f[at+2:], frame.ServerPort)
			binary.BigEndian.PutUint16(f[at:], frame.ClientPort)
			if frame.Parse(f, frame.Meta{Tag: tagOf(oob[:on])}, &q) == frame.Whole {
				return q, nil
			}
		}
	}
}

// udpAt returns where the UDP header of a packet without IP options lies,
// whatever tags come before; -1 if there is none.
func udpAt(f []byte) int {
	at := 12
	for at+4 < len(f) && frame.IsTag(binary.BigEndian.Uint16(f[at:])) {
		at += 4
	}
	if at+2+28 > len(f) || f[at] != 8 || f[at+1] != 0 || f[at+2+9] != 17 {
		return -1
	}
	return at + 2 + 20
}

// tagOf reads struct tpacket_auxdata.
func tagOf(oob []byte) (t frame.Tag) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return t
	}
	for _, m := range messages {
		if m.Header.Type == unix.PACKET_AUXDATA && binary.NativeEndian.Uint32(m.Data)&unix.TP_STATUS_VLAN_VALID != 0 {
			t = frame.Tag{TPID: binary.NativeEndian.Uint16(m.Data[18:]), TCI: binary.NativeEndian.Uint16(m.Data[16:])}
		}
	}
	return t
}

// echo is a worker that answers every query with its own message, as a reply.
// It runs until stop is closed.
func echo(p *Port, stop chan struct{}, seen func(q *frame.Query)) {
	qs, rs := make([]frame.Query, 32), make([]frame.Reply, 32)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, err := p.Receive(qs, 50*time.Millisecond)
		if err != nil {
			return
		}
		out := 0
		for i := range qs[:n] {
			seen(&qs[i])
			if p.Buffer(&rs[out]) {
				answer(&qs[i], &rs[out])
				out++
			}
		}
		p.Done(qs[:n])
		p.Send(rs[:out])
	}
}

func answer(q *frame.Query, r *frame.Reply) {
	r.Len = copy(r.Message(), q.Message)
	r.Message()[0] = 2
	r.To = frame.Destination{
		IfIndex: q.IfIndex, DstMAC: q.Link.SrcMAC, Tags: q.Link.Tags,
		Src: frame.IP{192, 0, 2, 1}, Dst: frame.BroadcastIP, SrcPort: frame.ServerPort, DstPort: frame.ClientPort,
	}
}

func linkIndex(name string) (int, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, err
	}
	return i.Index, nil
}
