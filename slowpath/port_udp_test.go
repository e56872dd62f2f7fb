package slowpath

import (
	"bytes"
	"net"
	"testing"
	"time"

	"needletail/internal/frame"
)

// Through UDP sockets a broadcast is received like any, and a client without an
// address is answered by broadcast.
func TestUDPAnswersABroadcast(t *testing.T) {
	b := newBed(t)
	p := b.open(OpenUDP, 1, "s0").Worker(0)
	b.send(b.wire(wireQuery(7)))
	q := mustAwait(t, p)
	want := frame.Link{Dst: frame.BroadcastIP, SrcPort: 68, DstPort: 67}
	if !bytes.Equal(q.Message, wireQuery(7)) || q.Link != want || q.IfIndex != b.s0.Index {
		t.Errorf("link %+v on %d", q.Link, q.IfIndex)
	}
	answerTo(t, p, q, filler(300), func(to *frame.Destination) { to.DstMAC = b.c0.MAC })
	h := b.hear(68)
	if !bytes.Equal(h.message, filler(300)) || !h.ip.DstIP.Equal(net.IPv4bcast) || !h.ip.SrcIP.Equal(net.IP{192, 0, 2, 1}) {
		t.Errorf("heard %d bytes from %v to %v", len(h.message), h.ip.SrcIP, h.ip.DstIP)
	}
}

// A relay, and a client with an address, are answered by the kernel's routing.
func TestUDPAnswersARelay(t *testing.T) {
	b := newBed(t)
	ports := b.open(OpenUDP, 1, "s0")
	p := ports.Worker(0)
	relay := b.dial("192.0.2.2:67", "192.0.2.1:67")
	if _, err := relay.Write(wireQuery(1)); err != nil {
		t.Fatal(err)
	}
	q := mustAwait(t, p)
	if q.Link.Src != ip("192.0.2.2") || q.Link.SrcPort != 67 || q.Link.Dst != ip("192.0.2.1") {
		t.Errorf("link %+v", q.Link)
	}
	answerTo(t, p, q, filler(300), func(to *frame.Destination) { to.Dst, to.DstPort = ip("192.0.2.2"), 67 })
	readReply(t, relay, filler(300))
	if st := ports.Stats(); st.Sent != 1 || st.SendFailed != 0 {
		t.Errorf("%+v", st)
	}
}

// Workers share the socket of an interface: a broadcast arrives once.
func TestUDPWorkersGetABroadcastOnce(t *testing.T) {
	b := newBed(t)
	ports := b.open(OpenUDP, 2, "s0")
	const queries = 20
	for c := range uint32(queries) {
		b.send(b.wire(wireQuery(c)))
	}
	seen := map[byte]int{}
	for range 2 {
		for w := range 2 {
			for q := await(t, ports.Worker(w), 100*time.Millisecond); q != nil; q = await(t, ports.Worker(w), 100*time.Millisecond) {
				seen[q.Message[7]]++
			}
		}
	}
	for c := range byte(queries) {
		if seen[c] != 1 {
			t.Errorf("query %d arrived %d times", c, seen[c])
		}
	}
}

// A reply for an interface that the port does not have is counted, its buffer
// kept; so is one that the kernel refuses.
func TestPortCountsWhatCannotLeave(t *testing.T) {
	b := newBed(t)
	ports := b.open(OpenUDP, 1, "s0")
	p := ports.Worker(0)
	q := frame.Query{IfIndex: 9999}
	b.send(b.wire(wireQuery(1)))
	got := mustAwait(t, p)
	q.Token = got.Token
	answerTo(t, p, &q, filler(300), nil)
	b.send(b.wire(wireQuery(1)))
	got = mustAwait(t, p)
	answerTo(t, p, got, filler(300), func(to *frame.Destination) { to.Src = ip("198.51.100.1") }) // not an address of this host
	if st := ports.Stats(); st.Unroutable != 1 || st.SendFailed != 1 || st.Sent != 0 {
		t.Errorf("%+v", st)
	}
	for i := range 256 {
		var r frame.Reply
		if !p.Buffer(&r) {
			t.Fatalf("buffer %d is lost", i)
		}
	}
	if p.Buffer(new(frame.Reply)) || ports.Stats().NoBuffer != 1 {
		t.Error("more buffers than were asked for, or not counted")
	}
}

// Wake ends a Receive that waits, from another goroutine, with and without
// room for queries, and does no harm after Close.
func TestPortWake(t *testing.T) {
	b := newBed(t)
	for _, qs := range [][]frame.Query{nil, make([]frame.Query, 1)} {
		ports := b.open(OpenRaw, 1, "s0")
		p := ports.Worker(0)
		if _, err := p.Receive(make([]frame.Query, 1), 0); err != nil { // takes over the interface
			t.Fatal(err)
		}
		returned := make(chan error)
		go func() {
			_, err := p.Receive(qs, time.Hour)
			returned <- err
		}()
		p.Wake()
		select {
		case err := <-returned:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("still waiting")
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		p.Wake()
		if err := ports.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A port whose memory is all with the worker receives nothing, says so by the
// kernel's drop counter once the socket is full, and goes on after Done.
func TestPortCountsKernelDrops(t *testing.T) {
	b := newBed(t)
	for _, c := range []struct {
		name string
		open func(PortOptions) (*Ports, error)
	}{{"raw", OpenRaw}, {"udp", OpenUDP}} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			ports := b.open(c.open, 1, "s0")
			const flood = 50_000 // several times what a socket of socketBuffer bytes holds
			wire := b.wire(wireQuery(1))
			for range flood {
				b.send(wire)
			}
			st := ports.Stats()
			if st.KernelDrops == 0 || st.KernelDrops >= flood {
				t.Errorf("%d of %d dropped", st.KernelDrops, flood)
			}
			if again := ports.Stats().KernelDrops; again != st.KernelDrops {
				t.Errorf("drops went from %d to %d without traffic", st.KernelDrops, again)
			}
			p := ports.Worker(0)
			qs := make([]frame.Query, 2000)
			n, err := p.Receive(qs, time.Second)
			for err == nil && n == 0 {
				n, err = p.Receive(qs, time.Second)
			}
			if err != nil || n != 1024 {
				t.Fatalf("received %d, error %v: the port was made for 1024", n, err)
			}
			if n, _ := p.Receive(make([]frame.Query, 1), 0); n != 0 {
				t.Error("received without memory")
			}
			p.Done(qs[:1])
			if n, _ := p.Receive(make([]frame.Query, 2), time.Second); n != 1 {
				t.Errorf("received %d with memory for one", n)
			}
			if err := ports.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPortReportsTheOtherServer(t *testing.T) {
	b := newBed(t)
	b.open(OpenUDP, 1, "s0")
	err := b.server.Do(func() error {
		p, err := OpenRaw(PortOptions{Interfaces: b.pick("s0")})
		if err == nil {
			p.Close()
		}
		return err
	})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("another DHCP server is running")) {
		t.Errorf("error %v", err)
	}
}

// With Routing a reply without an interface leaves by the kernel's routes, and
// a second server is still noticed.
func TestPortRoutesReplies(t *testing.T) {
	b := newBed(t)
	for name, open := range map[string]func(PortOptions) (*Ports, error){"raw": OpenRaw, "udp": OpenUDP} {
		with := func(o PortOptions) (*Ports, error) { o.Routing = true; return open(o) }
		ports := b.open(with, 1, "s0")
		p := ports.Worker(0)
		relay := b.dial("192.0.2.2:67", "192.0.2.1:67")
		if _, err := relay.Write(wireQuery(1)); err != nil {
			t.Fatal(err)
		}
		q := mustAwait(t, p)
		answerTo(t, p, q, filler(300), func(to *frame.Destination) {
			*to = frame.Destination{Dst: ip("192.0.2.2"), SrcPort: 67, DstPort: 67, Resolve: true}
		})
		readReply(t, relay, filler(300))
		err := b.server.Do(func() error {
			second, err := with(PortOptions{Interfaces: b.pick("s0")})
			if err == nil {
				second.Close()
			}
			return err
		})
		if err == nil {
			t.Errorf("%s: two servers on one interface", name)
		}
		relay.Close()
		if err := ports.Close(); err != nil {
			t.Error(err)
		}
	}
}
