package slowpath

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// A client without an address broadcasts, behind any tags, and is answered by
// unicast to an address that it does not have yet, with the tags mirrored.
func TestRawAnswersInKind(t *testing.T) {
	b := newBed(t)
	p := b.open(OpenRaw, 1, "s0").Worker(0)
	for _, c := range []struct {
		name string
		tags []frame.Tag
	}{
		{"untagged", nil},
		{"priority", []frame.Tag{{TPID: frame.TPIDTag, TCI: 0x6007}}},
		{"two customer tags", []frame.Tag{{TPID: frame.TPIDTag, TCI: 7}, {TPID: frame.TPIDTag, TCI: 8}}},
		{"service tag", []frame.Tag{{TPID: frame.TPIDOuter, TCI: 7}, {TPID: frame.TPIDTag, TCI: 8}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			want := wireQuery(7)
			b.send(b.wire(want, c.tags...))
			q := mustAwait(t, p)
			if !bytes.Equal(q.Message, want) {
				t.Error("another message arrived")
			}
			l := frame.Link{SrcMAC: b.c0.MAC, DstMAC: frame.Broadcast, Dst: frame.BroadcastIP, SrcPort: 68, DstPort: 67}
			copy(l.Tags[:], c.tags)
			if q.Link != l || q.IfIndex != b.s0.Index {
				t.Errorf("link %+v on %d, want %+v on %d", q.Link, q.IfIndex, l, b.s0.Index)
			}
			answerTo(t, p, q, filler(333), nil)
			h := b.hear(68)
			if !bytes.Equal(h.message, filler(333)) || !slices.Equal(h.tags, c.tags) {
				t.Errorf("heard %d bytes, tags %v", len(h.message), h.tags)
			}
			if !bytes.Equal(h.eth.DstMAC, b.c0.MAC[:]) || !bytes.Equal(h.eth.SrcMAC, b.s0.MAC[:]) {
				t.Errorf("from %v to %v", h.eth.SrcMAC, h.eth.DstMAC)
			}
			if !h.ip.DstIP.Equal(net.IP{192, 0, 2, 50}) || !h.ip.SrcIP.Equal(net.IP{192, 0, 2, 1}) {
				t.Errorf("from %v to %v", h.ip.SrcIP, h.ip.DstIP)
			}
		})
	}
}

func filler(n int) []byte {
	m := make([]byte, n)
	for i := range m {
		m[i] = byte(i * 7)
	}
	return m
}

// A relay's query comes from a UDP socket, so on a veth its checksum is not
// filled in. The reply goes back by its MAC address, or resolved by the kernel,
// and no ICMP error reaches the relay.
func TestRawServesRelays(t *testing.T) {
	b := newBed(t)
	ports := b.open(OpenRaw, 1, "s0")
	p := ports.Worker(0)
	relay := b.dial("192.0.2.2:67", "192.0.2.1:67")
	for _, resolve := range []bool{false, true, true, true} {
		if _, err := relay.Write(wireQuery(1)); err != nil {
			t.Fatal(err)
		}
		q := mustAwait(t, p)
		answerTo(t, p, q, filler(300), func(to *frame.Destination) {
			to.Dst, to.DstPort, to.Resolve = ip("192.0.2.2"), 67, resolve
			if resolve {
				to.DstMAC = [6]byte{}
			}
		})
		readReply(t, relay, filler(300))
	}
	st := ports.Stats()
	if st.Neighbours+st.KernelRouted != 3 || st.KernelRouted == 0 && st.Neighbours == 0 {
		t.Errorf("resolved %d by table, %d by kernel, of 3", st.Neighbours, st.KernelRouted)
	}
	if st.Received != 4 || st.Sent != 4 || st.SendFailed != 0 {
		t.Errorf("%+v", st)
	}
}

// dial connects a UDP socket of the client; ICMP errors would show up in it.
func (b *bed) dial(from, to string) *net.UDPConn {
	b.t.Helper()
	var c *net.UDPConn
	b.must(b.client.Do(func() error {
		src, err := net.ResolveUDPAddr("udp4", from)
		if err != nil {
			return err
		}
		dst, err := net.ResolveUDPAddr("udp4", to)
		if err != nil {
			return err
		}
		c, err = net.DialUDP("udp4", src, dst)
		return err
	}))
	b.t.Cleanup(func() { c.Close() })
	return c
}

func readReply(t *testing.T, c *net.UDPConn, want []byte) {
	t.Helper()
	buf := make([]byte, 2048)
	if err := c.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf[:n], want) {
		t.Errorf("read %d other bytes", n)
	}
}

// What a router forwards to another DHCP server is not ours, nor is what the
// filter and the parser refuse. A query after them shows that they are through.
func TestRawRefuses(t *testing.T) {
	b := newBed(t)
	ports := b.open(OpenRaw, 1, "s0")
	p := ports.Worker(0)
	to := func(dst frame.IP, mac [6]byte) []byte {
		r := &frame.Reply{Buf: make([]byte, frame.Headroom+frame.MessageMax), Len: 300}
		r.To = frame.Destination{DstMAC: mac, Dst: dst, SrcPort: 67, DstPort: 67}
		return frame.Write(r, b.c0.MAC)
	}
	badSum := b.wire(wireQuery(1))
	badSum[14+20+6] ^= 0x55
	fragment := b.wire(wireQuery(1))
	fragment[14+6] |= 0x20 // more fragments; the header checksum is off by that much
	fragment[14+10] -= 0x20
	for _, wire := range [][]byte{
		to(ip("198.51.100.1"), b.s0.MAC),            // forwarded to another server
		to(ip("192.0.2.1"), [6]byte{2, 9, 9, 9, 9}), // to another host
		badSum, fragment,
		b.wire(wireQuery(2)),
	} {
		b.send(wire)
	}
	if q := mustAwait(t, p); !bytes.Equal(q.Message, wireQuery(2)) {
		t.Error("a refused frame came through")
	}
	st := ports.Stats()
	if st.NotForUs != 1 || st.Faults[frame.FaultUDPChecksum] != 1 || st.Faults[frame.FaultFragment] != 1 || st.Received != 1 {
		t.Errorf("%+v", st)
	}
	for _, c := range []struct {
		dst  string
		want bool
	}{{"192.0.2.1", true}, {"192.0.2.255", true}, {"127.0.0.1", true}} {
		b.send(to(ip(c.dst), b.s0.MAC))
		if q := await(t, p, 500*time.Millisecond); (q != nil) != c.want {
			t.Errorf("to %s: received %v, want %v", c.dst, q != nil, c.want)
		}
	}
}

// Only the address that the configuration names is served, and broadcasts.
func TestRawServesOnlyTheAddressNamed(t *testing.T) {
	b := newBed(t)
	b.must(b.server.Address("s0", "192.0.2.9/24"))
	p := b.open(OpenRaw, 1, "s0/192.0.2.9").Worker(0)
	one, nine := b.dial("192.0.2.2:67", "192.0.2.1:67"), b.dial("192.0.2.2:68", "192.0.2.9:67")
	if _, err := one.Write(wireQuery(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := nine.Write(wireQuery(9)); err != nil {
		t.Fatal(err)
	}
	if q := mustAwait(t, p); !bytes.Equal(q.Message, wireQuery(9)) {
		t.Error("a query to another address came through")
	}
	b.send(b.wire(wireQuery(3)))
	if q := mustAwait(t, p); !bytes.Equal(q.Message, wireQuery(3)) {
		t.Error("a broadcast did not come through")
	}
}

// Two workers share an interface: every query comes once, and a client always
// to the same worker, tagged or not.
func TestRawWorkersShareClients(t *testing.T) {
	b := newBed(t)
	ports := b.open(OpenRaw, 2, "s0")
	const clients = 100
	var owner [clients]int
	for _, tags := range [][]frame.Tag{nil, {{TPID: frame.TPIDTag, TCI: 5}}, {{TPID: frame.TPIDTag, TCI: 5}, {TPID: frame.TPIDTag, TCI: 6}}} {
		for c := range uint32(clients) {
			b.send(b.wire(wireQuery(c), tags...))
		}
		var share [2]int
		for w := range share {
			for q := await(t, ports.Worker(w), time.Second/2); q != nil; q = await(t, ports.Worker(w), time.Second/2) {
				share[w]++
				c := int(q.Message[7])
				if tags != nil && owner[c] != w {
					t.Errorf("client %d moved to worker %d", c, w)
				}
				owner[c] = w
				ports.Worker(w).Done([]frame.Query{*q})
				if share[0]+share[1] == clients {
					break
				}
			}
		}
		if share[0]+share[1] != clients || min(share[0], share[1]) < clients/4 {
			t.Errorf("%d tags: shares %v of %d", len(tags), share, clients)
		}
	}
}

// An interface that goes down comes back without help; one that is deleted and
// made anew is served again after SetInterfaces.
func TestRawSurvivesTheInterface(t *testing.T) {
	b := newBed(t)
	for _, workers := range []int{1, 2} {
		ports := b.open(OpenRaw, workers, "s0")
		reaches := func(client uint32) {
			t.Helper()
			for range 10 { // as a client does: what is sent as a link comes up may be lost
				b.send(b.wire(wireQuery(client)))
				for try := 0; try < 10*workers; try++ {
					w := try % workers
					if q := await(t, ports.Worker(w), 20*time.Millisecond); q != nil && q.Message[7] == byte(client) {
						return
					}
				}
			}
			t.Fatalf("%d workers: query %d did not arrive", workers, client)
		}
		reaches(1)
		b.must(b.server.SetUp("s0", false))
		await(t, ports.Worker(0), 50*time.Millisecond) // fails if the port does
		b.must(b.server.SetUp("s0", true))
		waitUp(t, b)
		reaches(2)

		set := func() { b.must(b.server.Do(func() error { return ports.SetInterfaces(b.pick("s0")) })) }
		b.must(b.server.Delete("s0"))
		set()
		b.must(b.lab.Veth(b.server, "s0", b.client, "c0"))
		waitUp(t, b)
		set()
		reaches(3)
		if err := ports.Close(); err != nil {
			t.Error(err)
		}
	}
}

// waitUp waits for the link and points the tap at the client's end of it.
func waitUp(t *testing.T, b *bed) {
	t.Helper()
	for range 100 {
		b.c0 = b.look(b.client, "c0")
		if b.look(b.server, "s0").Carrier && b.c0.Carrier {
			// The error of the time when it was down is reported once.
			_, _ = unix.GetsockoptInt(b.tap, unix.SOL_SOCKET, unix.SO_ERROR)
			b.must(unix.Bind(b.tap, &unix.SockaddrLinklayer{Protocol: swap16(unix.ETH_P_ALL), Ifindex: b.c0.Index}))
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the link does not come up")
}

// A VLAN interface that is served itself gets its queries once, and the parent
// does not show them too.
func TestRawLeavesVlansToTheirInterface(t *testing.T) {
	b := newBed(t)
	if err := b.server.Vlan("s0", "s0.7", 7); errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("the kernel has no VLAN interfaces (CONFIG_VLAN_8021Q)")
	} else {
		b.must(err)
	}
	p := b.open(OpenRaw, 1, "s0", "s0.7").Worker(0)
	b.send(b.wire(wireQuery(7), frame.Tag{TPID: frame.TPIDTag, TCI: 7}))
	b.send(b.wire(wireQuery(8), frame.Tag{TPID: frame.TPIDTag, TCI: 8}))
	seen := map[byte]int{}
	vlan := b.look(b.server, "s0.7").Index
	for q := await(t, p, 300*time.Millisecond); q != nil; q = await(t, p, 300*time.Millisecond) {
		c := q.Message[7]
		seen[c]++
		if want := map[byte]int{7: vlan, 8: b.s0.Index}[c]; q.IfIndex != want {
			t.Errorf("query %d on interface %d, want %d", c, q.IfIndex, want)
		}
	}
	if seen[7] != 1 || seen[8] != 1 {
		t.Errorf("arrived: %v", seen)
	}
}

// An interface that is down when the ports open is served once it is up.
func TestRawWaitsForTheInterface(t *testing.T) {
	b := newBed(t)
	for _, workers := range []int{1, 2} {
		b.must(b.server.SetUp("s0", false))
		ports := b.open(OpenRaw, workers, "s0")
		b.must(b.server.SetUp("s0", true))
		waitUp(t, b)
		b.must(b.server.Do(func() error { return ports.SetInterfaces(b.pick("s0")) }))
		b.send(b.wire(wireQuery(1)))
		arrived := 0
		for w := range workers {
			if await(t, ports.Worker(w), 500*time.Millisecond) != nil {
				arrived++
			}
		}
		if arrived != 1 {
			t.Errorf("%d workers: the query arrived %d times", workers, arrived)
		}
		if err := ports.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A query and its reply through the port allocate nothing.
func TestPortsDoNotAllocate(t *testing.T) {
	b := newBed(t)
	for name, open := range map[string]func(PortOptions) (*Ports, error){"raw": OpenRaw, "udp": OpenUDP} {
		ports := b.open(open, 1, "s0")
		p := ports.Worker(0)
		if _, err := p.Receive(make([]frame.Query, 1), 0); err != nil { // takes over the interface
			t.Fatal(err)
		}
		wire, addr := b.wire(wireQuery(1)), &unix.SockaddrLinklayer{Ifindex: b.c0.Index}
		qs, rs := make([]frame.Query, 8), make([]frame.Reply, 1)
		sending := testing.AllocsPerRun(100, func() { _ = unix.Sendto(b.tap, wire, 0, addr) })
		n := testing.AllocsPerRun(100, func() {
			_ = unix.Sendto(b.tap, wire, 0, addr)
			k, err := p.Receive(qs, time.Second)
			for tries := 0; err == nil && k == 0 && tries < 100; tries++ { // a signal may end a wait
				k, err = p.Receive(qs, time.Second)
			}
			if err != nil || k == 0 || !p.Buffer(&rs[0]) {
				t.Fatal(k, err)
			}
			rs[0].Len = 300
			rs[0].To = frame.Destination{IfIndex: qs[0].IfIndex, DstMAC: b.c0.MAC, Dst: ip("192.0.2.50"), Src: ip("192.0.2.1"), SrcPort: 67, DstPort: 68}
			p.Send(rs)
			p.Done(qs[:k])
		})
		if n > sending {
			t.Errorf("%s: %v allocations", name, n-sending)
		}
		if err := ports.Close(); err != nil {
			t.Error(err)
		}
	}
}
