package slowpath

import (
	"context"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/leases"
)

// While one relay floods the server with DISCOVERs, faster than it can answer,
// the clients of another take leases. They may have to ask again, as clients do.
func TestFloodLeavesOthersServed(t *testing.T) {
	if testing.Short() {
		t.Skip("floods a veth pair for seconds")
	}
	b := newBed(t)
	ports := b.open(OpenRaw, 1, "s0")
	cfg, err := config.Parse("bench", []byte(benchConfig))
	b.must(err)
	store, err := leases.Open(context.Background(), leases.Options{})
	b.must(err)
	defer store.Close()
	engine, err := NewEngine(cfg, store, []Interface{{Name: "s0", Index: b.s0.Index, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}})
	b.must(err)
	b.must(b.server.Address("s0", "10.0.0.1/16"))
	b.must(b.server.Do(func() error { return ports.SetInterfaces(b.pick("s0")) }))
	p := NewPump(PumpOptions{Port: ports.Worker(0), Handler: engine.NewWorker(), Store: store, Backlog: 512})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()

	var stop atomic.Bool
	flooded := make(chan int)
	go func() { flooded <- b.flood(ports, &stop) }()
	const clients = 50
	asked := 0
	for c := range uint32(clients) {
		asked += b.takeLease(c)
	}
	stop.Store(true)
	sent := <-flooded
	cancel()
	b.must(<-ended)
	s, k := p.Stats(), ports.Stats()
	t.Logf("flood of %d: %d received, %d dropped by the kernel, %d shed from the backlog; %d clients asked %d times", sent, k.Received, k.KernelDrops, s.ShedBacklog, clients, asked)
	if s.Committed < clients {
		t.Errorf("%d leases for %d clients", s.Committed, clients)
	}
}

// flood sends DISCOVERs of many clients behind one relay and returns how many.
// It keeps more of them under way than the backlog holds, and fewer than the
// socket: what overflows there is lost whoever sent it, on a slow machine.
func (b *bed) flood(ports *Ports, stop *atomic.Bool) (sent int) {
	const burst, underWay = 64, 3000
	fd := b.packetSocket(nothingFilter())
	defer unix.Close(fd)
	v := newVector(burst, 0)
	wires := make([][]byte, burst)
	for i := range wires {
		wires[i] = b.relayed(ask(kindDiscover, uint32(i), 10, 0, 0, 9))
		v.put(i, wires[i])
	}
	for !stop.Load() {
		if sent > underWay+int(ports.WorkerStats(0).Received) {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		n, _ := v.send(fd, 0, burst)
		sent += n
	}
	return sent
}

// relayed makes the frame of the query of the relay in giaddr.
func (b *bed) relayed(m []byte) []byte {
	r := &frame.Reply{Buf: make([]byte, frame.Headroom+frame.MessageMax), Len: len(m)}
	copy(r.Message(), m)
	r.To = frame.Destination{DstMAC: b.s0.MAC, Src: frame.IP(m[24:28]), Dst: ip("10.0.0.1"), SrcPort: 67, DstPort: 67}
	return frame.Write(r, b.c0.MAC)
}

// packetSocket opens another socket on the client's end.
func (b *bed) packetSocket(filter []unix.SockFilter) (fd int) {
	err := b.client.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err := attach(fd, filter); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: swap16(unix.ETH_P_IP), Ifindex: b.c0.Index})
	})
	if err != nil {
		b.t.Error(err)
	}
	return fd
}

// relayFilter takes packets to 10.0.0.8, the quiet relay.
func relayFilter() []unix.SockFilter {
	return assemble([]step{
		{code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, k: 14 + 16},
		{code: jEq, k: 10<<24 | 8, jf: "drop"},
		{code: ret, k: wholePacket},
		{label: "drop", code: ret, k: 0},
	})
}

// takeLease is a client behind the quiet relay; it asks again after a while, and
// returns how often it had to ask.
func (b *bed) takeLease(client uint32) (asked int) {
	b.t.Helper()
	const triesMax = 20
	fd := b.packetSocket(relayFilter())
	defer unix.Close(fd)
	b.must(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 500_000}))
	say := func(m []byte, want byte) *heard {
		for ; asked < triesMax; asked++ {
			b.must(unix.Sendto(fd, b.relayed(m), 0, &unix.SockaddrLinklayer{Ifindex: b.c0.Index}))
			if h := listen(fd, client, want); h != nil {
				return h
			}
		}
		b.t.Fatalf("client %d got no answer of type %d", client, want)
		return nil
	}
	discover := ask(kindDiscover, 0xa0000000+client, 10, 0, 0, 8)
	offer := say(discover, typeOffer)
	request := append(ask(kindRequest, 0xa0000000+client, 10, 0, 0, 8)[:243], 50, 4)
	request = append(append(request, offer.message[16:20]...), 54, 4, 10, 0, 0, 1, 255)
	say(request, typeAck)
	return asked + 2
}

// listen returns the answer of a type to a client, or nil after the timeout.
func listen(fd int, client uint32, want byte) *heard {
	buf := make([]byte, 2048)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			return nil
		}
		h := decodeWire(buf[:n])
		if len(h.message) > 242 && xidOf(h.message) == 0xa0000000+client && h.message[242] == want {
			return h
		}
	}
}
