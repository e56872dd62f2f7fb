package fastpath

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"needletail/internal/frame"
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
)

// TestFramesBothWays: queries reach the worker with what the program found, and
// replies reach the client complete, with the query's tags.
func TestFramesBothWays(t *testing.T) {
	for _, mode := range []string{Native, Generic} {
		t.Run(mode, func(t *testing.T) { framesBothWays(t, mode) })
	}
}

func framesBothWays(t *testing.T, mode string) {
	b := newBed(t, 1)
	p := b.open(Config{XDP: mode}, everybody)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	mac := [6]byte{2, 0, 0, 0, 0, 2}
	wg.Go(func() {
		echo(p.Worker(0), stop, func(q *frame.Query) {
			if want := (frame.Hint{Valid: true, Type: 1, Bucket: rfc3074.Hash(mac[:])}); q.Hint != want {
				t.Errorf("hint %+v, want %+v", q.Hint, want)
			}
			if q.IfIndex != b.srv.Index {
				t.Errorf("interface %d, want %d", q.IfIndex, b.srv.Index)
			}
		})
	})
	for name, tags := range map[string][]frame.Tag{
		"plain":  nil,
		"tagged": {{TPID: frame.TPIDTag, TCI: 100}},
		"QinQ":   {{TPID: frame.TPIDOuter, TCI: 7}, {TPID: frame.TPIDTag, TCI: 0x2064}},
	} {
		f := b.discover(mac, frame.ClientPort, tags...)
		b.send(f)
		got, err := b.hear()
		if err != nil {
			t.Fatalf("%s: %v; verdicts %v", name, err, p.Verdicts())
		}
		var want [2]frame.Tag
		copy(want[:], tags)
		if got.Link.Tags != want {
			t.Errorf("%s: reply has tags %v, want %v", name, got.Link.Tags, want)
		}
		if got.Link.DstMAC != b.cliMAC || got.Link.SrcMAC != b.srv.MAC {
			t.Errorf("%s: reply goes from %x to %x", name, got.Link.SrcMAC, got.Link.DstMAC)
		}
		if got.Message[0] != 2 || !bytes.Equal(got.Message[1:], f[len(f)-299:]) {
			t.Errorf("%s: the message has changed on the way", name)
		}
	}
	if s := p.Worker(0).Stats(); s.Received != 3 || s.Sent != 3 {
		t.Errorf("counted %+v", s)
	}
}

// TestTwoQueues: each worker has the queries of its queue, and all are served.
func TestTwoQueues(t *testing.T) {
	b := newBed(t, 2)
	p := b.open(Config{XDP: Native, CPUs: []int{0, 1}}, everybody)
	if p.Workers() != 2 {
		t.Fatalf("%d workers for two queues", p.Workers())
	}
	if p.CPU(0) != 0 || p.CPU(1) != 1 {
		t.Error("CPUs are not dealt in turn")
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var seen [2]atomic.Int32
	end := sync.OnceFunc(func() {
		close(stop)
		wg.Wait()
	})
	defer end()
	for i := range 2 {
		wg.Go(func() { echo(p.Worker(i), stop, func(*frame.Query) { seen[i].Add(1) }) })
	}
	const queries = 64
	for i := range queries {
		b.send(b.discover([6]byte{2, 0, 0, 0, 1, byte(i)}, uint16(1000+i)))
		if _, err := b.hear(); err != nil {
			t.Fatalf("query %d: %v; %+v", i, err, p.Verdicts())
		}
	}
	end()
	a, c := seen[0].Load(), seen[1].Load()
	t.Logf("queue 0 had %d queries, queue 1 %d", a, c)
	if a+c != queries || a == 0 || c == 0 {
		t.Errorf("%d and %d queries, want %d, some on each queue", a, c, queries)
	}
}

// TestPortMemory: every buffer and every query frame comes back.
func TestPortMemory(t *testing.T) {
	b := newBed(t, 1)
	p := b.open(Config{XDP: Native, Queries: 64, Replies: 3}, everybody).Worker(0)
	var rs [4]frame.Reply
	for i := range 3 {
		if !p.Buffer(&rs[i]) {
			t.Fatalf("no buffer %d", i)
		}
	}
	if p.Buffer(&rs[3]) || p.Stats().NoBuffer != 1 {
		t.Error("a fourth buffer of three")
	}
	p.Drop(&rs[0])
	if !p.Buffer(&rs[3]) {
		t.Error("a dropped buffer did not come back")
	}
	for i := range 300 { // several times the UMEM
		p.Done(b.take(p, b.discover([6]byte{2, 0, 0, 0, 2, byte(i)}, frame.ClientPort)))
	}
	if n := p.HeldMax(); n != 56 {
		t.Errorf("%d of 64 queries may wait, want 56", n)
	}
}

// TestManyReplies: more replies than there are frames leave at once, all of them.
func TestManyReplies(t *testing.T) {
	const frames, replies = 64, 200
	b := newBed(t, 1)
	p := b.open(Config{XDP: Native, Queries: frames, Replies: replies}, everybody).Worker(0)
	qs := b.take(p, b.discover([6]byte{2, 0, 0, 0, 3, 1}, frame.ClientPort))
	rs := make([]frame.Reply, replies)
	for i := range rs {
		if !p.Buffer(&rs[i]) {
			t.Fatalf("no buffer %d", i)
		}
		answer(&qs[0], &rs[i])
	}
	p.Send(rs)
	p.Done(qs)
	for i := range rs {
		if _, err := b.hear(); err != nil {
			t.Fatalf("reply %d: %v", i, err)
		}
	}
	if s := p.Stats(); s.Sent != replies || s.SendFailed != 0 {
		t.Errorf("counted %+v", s)
	}
}

// TestKernelDrops: what is redirected to a full ring is lost, and counted.
func TestKernelDrops(t *testing.T) {
	const frames, queries = 64, 100
	b := newBed(t, 1)
	path := b.open(Config{XDP: Native, Queries: frames}, everybody)
	p := path.Worker(0)
	p.follow()
	for i := range queries {
		b.send(b.discover([6]byte{2, 0, 0, 0, 12, byte(i)}, frame.ClientPort))
	}
	b.eventually("the drops are counted", func() bool { p.countDrops(); return p.Stats().KernelDrops == queries-frames })
	qs := make([]frame.Query, queries)
	n, err := p.Receive(qs, 0)
	if n != frames || err != nil {
		t.Errorf("%d queries received, want %d; %v", n, frames, err)
	}
	p.Done(qs[:n])
	p.Done(b.take(p, b.discover([6]byte{2, 0, 0, 0, 12, 255}, frame.ClientPort)))
}

func TestWake(t *testing.T) {
	b := newBed(t, 1)
	p := b.open(Config{XDP: Native}, everybody).Worker(0)
	p.Wake()
	if n, err := p.Receive(make([]frame.Query, 1), time.Hour); n != 0 || err != nil {
		t.Errorf("woken before: %d, %v", n, err)
	}
	go p.Wake()
	if n, err := p.Receive(nil, time.Hour); n != 0 || err != nil {
		t.Errorf("woken meanwhile: %d, %v", n, err)
	}
	p.Close()
	p.Wake() // must do nothing
}

// TestScopes: what is not served never arrives, unacked clients are counted and
// told at once.
func TestScopes(t *testing.T) {
	b := newBed(t, 1)
	crossed := make(chan int, 4)
	nobody := scope.Scope{Mode: scope.Hashed, Enabled: true, Interrupted: true, AckDelay: 10 * time.Second, UnackedMax: 1, Epoch: 7}
	p := b.open(Config{XDP: Native, OnUnacked: func(i int) { crossed <- i }}, nobody)
	port := p.Worker(0)
	qs := make([]frame.Query, 4)
	send := func(mac byte, secs byte) {
		f := b.discover([6]byte{2, 0, 0, 0, 3, mac}, frame.ClientPort)
		f[42+9] = secs
		b.send(f)
	}
	settled := func(want scope.Unacked) {
		t.Helper()
		for range 100 {
			if p.Unacked(0) == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("counted %+v, want %+v", p.Unacked(0), want)
	}
	send(1, 11)
	settled(scope.Unacked{Analyzed: 1, Connecting: 1, Unacked: 1})
	send(2, 11)
	select {
	case i := <-crossed:
		if i != 0 {
			t.Errorf("relationship %d", i)
		}
	case <-time.After(5 * time.Second):
		t.Error("user space did not hear of two unacked clients above a limit of one")
	}
	nobody.Serve.Add(3) // the same epoch: counts stay
	p.SetScope(0, nobody)
	settled(scope.Unacked{Analyzed: 2, Connecting: 2, Unacked: 2})
	nobody.Epoch = 9 // not the next: any other one forgets
	p.SetScope(0, nobody)
	settled(scope.Unacked{})
	send(1, 0)
	settled(scope.Unacked{Analyzed: 1, Connecting: 1})
	p.SetScope(0, everybody)
	send(1, 0)
	if n := b.receive(port, qs, 5*time.Second); n != 1 {
		t.Fatalf("%d queries after the failover", n)
	}
	port.Done(qs[:1])
}

// TestResolved: a reply to a neighbour whose MAC address is not known leaves
// through the kernel, which asks for it.
func TestResolved(t *testing.T) {
	b := newBed(t, 1)
	b.check(b.far.Address("cli", "192.0.2.2/24"))
	p := b.open(Config{XDP: Native}, everybody)
	port := p.Worker(0)
	port.follow()
	for _, ifindex := range []int{b.srv.Index, 0} {
		var rs [1]frame.Reply
		if !port.Buffer(&rs[0]) {
			t.Fatal("no buffer")
		}
		rs[0].Len = copy(rs[0].Message(), b.discover([6]byte{2}, 68)[42:])
		rs[0].To = frame.Destination{
			IfIndex: ifindex, Resolve: true, Src: frame.IP{192, 0, 2, 1}, Dst: frame.IP{192, 0, 2, 2},
			SrcPort: frame.ServerPort, DstPort: frame.ClientPort,
		}
		port.Send(rs[:])
		got, err := b.hear()
		if err != nil {
			t.Fatalf("interface %d: %v; %+v", ifindex, err, port.Stats())
		}
		if got.Link.DstMAC != b.cliMAC || got.Link.Dst != (frame.IP{192, 0, 2, 2}) {
			t.Errorf("interface %d: the reply went to %x, %v", ifindex, got.Link.DstMAC, got.Link.Dst)
		}
	}
	if s := port.Stats(); s.KernelRouted == 0 || s.KernelRouted+s.Neighbours != 2 {
		t.Errorf("counted %+v", s)
	}
}

// TestRefused: what the kernel would not show a socket is no query here either,
// although the program sees it first: a damaged one, another host's.
func TestRefused(t *testing.T) {
	b := newBed(t, 1)
	port := b.open(Config{XDP: Native}, everybody).Worker(0)
	damaged := b.discover([6]byte{2, 0, 0, 0, 9, 1}, frame.ClientPort)
	damaged[len(damaged)-1]++
	stranger := b.discoverTo(frame.Destination{DstMAC: [6]byte{2, 9, 9, 9, 9, 9}, Dst: frame.BroadcastIP, SrcPort: frame.ClientPort}, [6]byte{2, 0, 0, 0, 9, 2})
	ours := b.discoverTo(frame.Destination{DstMAC: b.srv.MAC, Dst: frame.BroadcastIP, SrcPort: frame.ClientPort}, [6]byte{2, 0, 0, 0, 9, 3})
	for _, f := range [][]byte{damaged, stranger, ours} {
		b.send(f)
	}
	qs := make([]frame.Query, 4)
	n := b.receive(port, qs, 5*time.Second)
	if n != 1 || qs[0].Link.DstMAC != b.srv.MAC {
		t.Errorf("%d queries taken, want the one to this host", n)
	}
	port.Done(qs[:n])
	if s := port.Stats(); s.Faults[frame.FaultUDPChecksum] != 1 || s.NotForUs != 1 || s.Received != 1 {
		t.Errorf("counted %+v", s)
	}
}

// TestPartialChecksum: a veth carries what a socket of this machine sends with
// its checksum to be filled in by a card; that is a query all the same.
func TestPartialChecksum(t *testing.T) {
	b := newBed(t, 1)
	b.check(b.far.Address("cli", "192.0.2.2/24"))
	port := b.open(Config{XDP: Native}, everybody).Worker(0)
	m := b.discover([6]byte{2, 0, 0, 0, 9, 4}, frame.ClientPort)[42:]
	b.check(b.far.Do(func() error {
		c, err := net.Dial("udp4", "192.0.2.1:67")
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write(m)
		return err
	}))
	qs := make([]frame.Query, 1)
	if n := b.receive(port, qs, 5*time.Second); n != 1 {
		t.Errorf("%d taken; %+v", n, port.Stats())
	}
}

// TestPassed: a query for another host stays with the kernel.
func TestPassed(t *testing.T) {
	b := newBed(t, 1)
	p := b.open(Config{XDP: Native}, everybody)
	f := b.discover([6]byte{2, 0, 0, 0, 5, 1}, frame.ClientPort)
	copy(f[14+16:], []byte{192, 0, 2, 99})
	b.send(f)
	qs := make([]frame.Query, 1)
	if n := b.receive(p.Worker(0), qs, 200*time.Millisecond); n != 0 {
		t.Error("took a query to another address")
	}
	for _, v := range p.Verdicts() {
		if v.Name == "not-local" && v.Frames != 1 {
			t.Errorf("%d frames not local, want 1", v.Frames)
		}
	}
}
