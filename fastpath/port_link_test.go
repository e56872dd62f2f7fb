package fastpath

import (
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/internal/frame"
	"needletail/internal/xsk"
)

// TestInterfaceGoes: a query in a worker's hands stays readable when its
// interface goes, and a new interface of the name is served again.
func TestInterfaceGoes(t *testing.T) {
	b := newBed(t, 1)
	p := b.open(Config{XDP: Native}, everybody)
	port := p.Worker(0)
	qs := b.take(port, b.discover([6]byte{2, 0, 0, 0, 4, 1}, frame.ClientPort))
	b.check(b.ns.Do(func() error { return p.SetInterfaces(nil) }))
	port.follow()
	if qs[0].Message[0] != 1 || qs[0].Message[28+5] != 1 {
		t.Error("the query has changed")
	}
	port.Done(qs)
	if port.legs[0] != nil {
		t.Error("the socket is still there")
	}
	b.check(b.serve(p))
	port.Done(b.take(port, b.discover([6]byte{2, 0, 0, 0, 4, 2}, frame.ClientPort)))
}

// TestInterfaceDown: an interface that was switched off is served again when it
// is switched on.
func TestInterfaceDown(t *testing.T) {
	b := newBed(t, 1)
	p := b.open(Config{XDP: Native}, everybody)
	port := p.Worker(0)
	for _, up := range []bool{false, true} {
		b.check(b.ns.SetUp("srv", up))
		b.look()
		b.check(b.serve(p))
	}
	qs := make([]frame.Query, 1)
	for n := 0; n == 0; { // the link takes a moment to come up
		b.send(b.discover([6]byte{2, 0, 0, 0, 6, 1}, frame.ClientPort))
		var err error
		if n, err = port.Receive(qs, 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	port.Done(qs)
}

// TestSocketComesLate: a queue that somebody holds gets its socket when it is free
// again, of which there is no message.
func TestSocketComesLate(t *testing.T) {
	b := newBed(t, 1)
	var holder *xsk.Socket
	b.check(b.ns.Do(func() (err error) {
		holder, err = xsk.Open(xsk.Config{IfIndex: b.srv.Index, Frames: 64, RingSize: 64})
		return err
	}))
	p := b.open(Config{XDP: Native}, everybody)
	if a := p.Active()[0]; a.Sockets != 0 || !strings.Contains(a.String(), "another AF_XDP socket holds it") {
		t.Errorf("while it is held: %s", a)
	}
	b.check(holder.Close())
	for end := time.Now().Add(10 * time.Second); p.Active()[0].Sockets == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never tried again: %s", p.Active()[0])
		}
		b.check(b.ns.Do(func() error { p.Tend(); return nil }))
	}
	if a := p.Active()[0]; strings.Contains(a.String(), "holds it") {
		t.Errorf("the remark stays: %s", a)
	}
	port := p.Worker(0)
	port.Done(b.take(port, b.discover([6]byte{2, 0, 0, 0, 10, 1}, frame.ClientPort)))
}

// TestInterfaceChanges: the sockets stay, queries in a worker's hands and all,
// when the MTU or the MAC address changes, and replies have the new one.
func TestInterfaceChanges(t *testing.T) {
	b := newBed(t, 1)
	p := b.open(Config{XDP: Native}, everybody)
	port := p.Worker(0)
	held := b.take(port, b.discover([6]byte{2, 0, 0, 0, 10, 2}, frame.ClientPort))
	for _, change := range [][]string{{"mtu", "1400"}, {"mtu", "1500"}, {"address", "02:00:00:00:99:01"}} {
		out, err := b.ns.Output(t.Context(), "ip", append([]string{"link", "set", "dev", "srv"}, change...)...)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		b.look()
		b.check(b.serve(p))
		if a := p.Active()[0]; a.Sockets != 1 {
			t.Errorf("%v: %s", change, a)
		}
		to := frame.Destination{DstMAC: b.srv.MAC, Dst: frame.BroadcastIP, SrcPort: frame.ClientPort}
		port.Done(b.take(port, b.discoverTo(to, [6]byte{2, 0, 0, 0, 10, 1})))
	}
	rs := replies(t, b, port, 0, 1)
	port.Send(rs)
	if got, err := b.hear(); err != nil || got.Link.SrcMAC != b.srv.MAC {
		t.Errorf("the reply comes from %x, want %x; %v", got.Link.SrcMAC, b.srv.MAC, err)
	}
	port.Done(held)
}

func TestPauses(t *testing.T) {
	var p pauses
	var tries []int
	for call := range 300 {
		if p.over() {
			tries = append(tries, call)
		}
	}
	if want := []int{0, 1, 3, 7, 15, 31, 63, 127, 191, 255}; !slices.Equal(tries, want) {
		t.Errorf("tries at calls %v, want %v", tries, want)
	}
}
