package load

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/internal/netif/nettest"
)

// wired is a veth pair whose near end is the generator's, of so many queues.
// The kernel chooses a queue for each frame.
type wired struct {
	t         *testing.T
	near, far *nettest.Namespace
}

func newWired(t *testing.T, queues int) *wired {
	t.Helper()
	lab := nettest.ForTest(t)
	w := &wired{t: t}
	var err error
	w.near, err = lab.Namespace("near")
	w.must(err)
	w.far, err = lab.Namespace("far")
	w.must(err)
	w.must(lab.Veth(w.near, "n0", w.far, "f0", queues))
	return w
}

func (w *wired) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// takeLive makes the near end send what XDP redirects to it.
func (w *wired) takeLive() {
	w.t.Helper()
	if out, err := w.far.Output(context.Background(), "ethtool", "-K", "f0", "gro", "on"); err != nil {
		w.t.Fatalf("ethtool: %v %s", err, out)
	}
}

func (w *wired) open(m Medium, queues int) (p Port, err error) {
	err = w.near.Do(func() (err error) { p, err = Open("n0", m, queues); return err })
	if err == nil {
		w.t.Cleanup(func() { p.Close() })
	}
	return p, err
}

// listen returns what arrives at the far end.
func (w *wired) listen() *Packet {
	w.t.Helper()
	var p *Packet
	w.must(w.far.Do(func() (err error) { p, err = OpenPacket("f0"); return err }))
	w.t.Cleanup(func() { p.Close() })
	return p
}

var media = []Medium{LiveMedium, AFXDPMedium, PacketMedium}

// overEveryMedium runs a test with a port of each medium at the near end, and
// far at the other.
func overEveryMedium(t *testing.T, test func(t *testing.T, w *wired, p Port, far *Packet)) {
	for _, m := range media {
		t.Run(string(m), func(t *testing.T) {
			w := newWired(t, 1)
			w.takeLive()
			p, err := w.open(m, 1)
			w.must(err)
			test(t, w, p, w.listen())
		})
	}
}

// await receives until a frame is the last one wanted, and gives up after some
// seconds without.
func (w *wired) await(p Port, last func(f []byte) bool) {
	w.t.Helper()
	done := false
	for range 500 {
		w.must(p.Receive(func(f []byte) { done = last(f) || done }))
		if done {
			return
		}
		w.must(p.Wait(10 * time.Millisecond))
	}
}

// Frames of every medium arrive whole and in order, also once the rings have
// gone round.
func TestPortsSend(t *testing.T) {
	const rounds, batch = 45, 100 // more than liveSlots and xdpRing
	overEveryMedium(t, func(t *testing.T, w *wired, p Port, far *Packet) {
		for round := range rounds {
			var want [][]byte
			for i := range batch {
				want = append(want, numbered(round*batch+i))
				p.Commit(copy(p.Buffer(), want[i]))
			}
			w.must(p.Flush())
			if got := w.collect(far, batch); !slices.EqualFunc(got, want, bytes.Equal) {
				t.Fatalf("round %d: %d frames arrived, not the %d sent, or not as sent", round, len(got), batch)
			}
		}
	})
}

// numbered is a query to port 67 of a length that n gives, from the shortest to
// the longest that is sent.
func numbered(n int) []byte {
	e := envelope{dstMAC: [6]byte{255, 255, 255, 255, 255, 255}, srcMAC: [6]byte{2}, dst: 0xffffffff, srcPort: 68, dstPort: 67}
	f := make([]byte, liveSlot-liveLen)
	size := fixedLen + n%(len(f)-headersLen-fixedLen+1)
	for i := range size {
		f[headersLen+i] = byte(n + i)
	}
	binary.BigEndian.PutUint32(f[headersLen:], uint32(n))
	return f[:e.put(f, size)]
}

// collect returns the queries that arrive, n if all goes well.
func (w *wired) collect(p *Packet, n int) (got [][]byte) {
	w.t.Helper()
	w.await(p, func(f []byte) bool {
		if len(f) > headersLen && f[etherLen+ipLen+3] == 67 {
			got = append(got, bytes.Clone(f))
		}
		return len(got) >= n
	})
	return got
}

// A Live never holds more than its ring: what does not fit is sent first.
func TestLiveRingFills(t *testing.T) {
	w := newWired(t, 1)
	w.takeLive()
	p, err := w.open(LiveMedium, 1)
	w.must(err)
	l := p.(*Live)
	for i := range liveSlots + 1 {
		l.Commit(copy(l.Buffer(), numbered(i)))
	}
	if l.sent != liveSlots || l.tail != liveSlots+1 {
		t.Errorf("sent %d of %d frames before Flush, want %d", l.sent, l.tail, liveSlots)
	}
}

// Answers reach the generator whatever sends its queries; other frames are the
// kernel's.
func TestPortsReceive(t *testing.T) {
	overEveryMedium(t, func(t *testing.T, w *wired, p Port, far *Packet) {
		answer := make([]byte, liveSlot)
		e := envelope{dstMAC: [6]byte{255, 255, 255, 255, 255, 255}, srcMAC: [6]byte{4}, dst: 0xffffffff, srcPort: 67, dstPort: 68}
		answer = answer[:e.put(answer, fixedLen)]
		far.Commit(copy(far.Buffer(), numbered(1))) // no answer
		far.Commit(copy(far.Buffer(), answer))
		w.must(far.Flush())
		var got [][]byte
		w.await(p, func(f []byte) bool {
			if payload(f) != nil {
				got = append(got, bytes.Clone(f))
			}
			return len(got) > 0
		})
		if len(got) != 1 || !bytes.Equal(got[0], answer) {
			t.Errorf("received %x, want %x", got, answer)
		}
	})
}

// ARP requests reach the generator whatever receives its answers.
func TestPortsReceiveARP(t *testing.T) {
	overEveryMedium(t, func(t *testing.T, w *wired, p Port, far *Packet) {
		far.Commit(copy(far.Buffer(), arpAsks(0x0a000001)))
		w.must(far.Flush())
		arrived := false
		w.await(p, func(f []byte) bool {
			addr, ok := whoHas(f)
			arrived = arrived || ok && addr == 0x0a000001
			return arrived
		})
		if !arrived {
			t.Error("the request did not arrive")
		}
	})
}

// A NIC passes on what goes to the hardware addresses of clients while a port is
// open.
func TestPortsArePromiscuous(t *testing.T) {
	w := newWired(t, 1)
	w.takeLive()
	promiscuous := func() bool {
		out, err := w.near.Output(context.Background(), "ip", "-d", "link", "show", "n0")
		w.must(err)
		return strings.Contains(string(out), "promiscuity 1")
	}
	for _, m := range media {
		p, err := w.open(m, 1)
		w.must(err)
		if !promiscuous() {
			t.Errorf("%s: not promiscuous", m)
		}
		w.must(p.Close())
		if promiscuous() {
			t.Errorf("%s: still promiscuous once closed", m)
		}
	}
}

// Without GRO at its far end a veth loses live frames, so there is no Live.
func TestOpenTakesWhatWorks(t *testing.T) {
	w := newWired(t, 2)
	if p, err := w.open(LiveMedium, 1); !errors.Is(err, errNotLive) {
		t.Fatalf("live without GRO: %v, %v", p, err)
	}
	for _, c := range []struct {
		live   bool
		queues int
		mode   string
	}{{false, 1, "native, copy"}, {true, 2, "native, copy"}, {true, 1, "native, copy, live frames"}} {
		if c.live {
			w.takeLive()
		}
		p, err := w.open(AnyMedium, c.queues)
		if err != nil {
			t.Fatal(err)
		}
		if p.Mode() != c.mode {
			t.Errorf("%+v: mode %q", c, p.Mode())
		}
		w.must(p.Close())
	}
}

func TestOpenRefuses(t *testing.T) {
	w := newWired(t, 2)
	if _, err := w.open("pigeon", 1); err == nil || !strings.Contains(err.Error(), `"pigeon": want auto, live, af-xdp or af-packet`) {
		t.Errorf("a medium that is none: %v", err)
	}
	if _, err := w.open(LiveMedium, 2); !errors.Is(err, errNotLive) {
		t.Errorf("live over two queues: %v", err)
	}
}
