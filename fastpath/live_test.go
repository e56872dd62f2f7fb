package fastpath

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
	"needletail/internal/netif"
)

// takes turns on or off what lets the server's end send live frames.
func (b *bed) takes(on string) {
	b.t.Helper()
	if out, err := b.far.Output(context.Background(), "ethtool", "-K", "cli", "gro", on); err != nil {
		b.t.Fatalf("ethtool: %v %s", err, out)
	}
}

// replies makes n replies to the client, of lengths that first gives, the
// longest included; the first four bytes of each are its number.
func replies(t testing.TB, b *bed, p *Port, first, n int) []frame.Reply {
	t.Helper()
	rs := make([]frame.Reply, n)
	for i := range rs {
		if !p.Buffer(&rs[i]) {
			t.Fatal("no buffer")
		}
		r := &rs[i]
		r.Len = 240 + (first+i)*37%(frame.MessageMax-240+1)
		m := r.Message()[:r.Len]
		for k := range m {
			m[k] = byte(first + i + k)
		}
		binary.BigEndian.PutUint32(m, uint32(first+i))
		r.To = frame.Destination{
			IfIndex: b.srv.Index, DstMAC: b.cliMAC,
			Src: frame.IP{192, 0, 2, 1}, Dst: frame.BroadcastIP, SrcPort: frame.ServerPort, DstPort: frame.ClientPort,
		}
		if (first+i)%3 == 0 {
			r.To.Tags[0] = frame.Tag{TPID: frame.TPIDTag, TCI: 100}
		}
	}
	return rs
}

// arrive checks that replies reach the client whole and in order.
func (b *bed) arrive(first, n int) {
	b.t.Helper()
	for i := range n {
		m, err := b.next()
		if err != nil {
			b.t.Fatalf("reply %d: %v", first+i, err)
		}
		if len(m) != 240+(first+i)*37%(frame.MessageMax-240+1) || binary.BigEndian.Uint32(m) != uint32(first+i) || m[len(m)-1] != byte(first+i+len(m)-1) {
			b.t.Fatalf("reply %d arrived as %d bytes that begin %x", first+i, len(m), m[:4])
		}
	}
}

// next returns the next message to the client's port; the kernel has taken its
// tag out.
func (b *bed) next() ([]byte, error) {
	buf := make([]byte, 2048)
	for {
		n, from, err := unix.Recvfrom(b.client, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		f := buf[:n]
		at := udpAt(f)
		if from.(*unix.SockaddrLinklayer).Pkttype == unix.PACKET_OUTGOING || at < 0 || binary.BigEndian.Uint16(f[at+2:]) != frame.ClientPort {
			continue
		}
		return bytes.Clone(f[at+8 : at+int(binary.BigEndian.Uint16(f[at+4:]))]), nil
	}
}

// TestLiveReplies: replies in bulk leave as live frames, a few by the ring, all
// whole and in order, also when the ring of replies goes round.
func TestLiveReplies(t *testing.T) {
	for _, mode := range []string{Native, Generic} {
		t.Run(mode, func(t *testing.T) {
			b := newBed(t, 2)
			b.takes("on")
			p := b.open(Config{XDP: mode, Send: Live}, everybody)
			if a := p.Active()[0]; a.Live != 2 || !strings.Contains(a.String(), "replies as live frames") {
				t.Fatalf("active: %s", a)
			}
			sent := [2]int{}
			for round := range 60 {
				port := p.Worker(round % 2)
				n := 40
				if round%5 == 0 {
					n = bulkMin - 1
				}
				port.follow()
				before := port.legs[0].outlet.sent
				port.Send(replies(t, b, port, round*40, n))
				b.arrive(round*40, n)
				sent[round%2] += n
				if live := port.legs[0].outlet.sent - before; live != 0 != (n >= bulkMin) {
					t.Errorf("%d of %d replies left as live frames", live, n)
				}
			}
			for i, n := range sent {
				if s := p.Worker(i).Stats(); s.Sent != uint64(n) || s.SendFailed != 0 {
					t.Errorf("worker %d counted %+v, want %d sent", i, s, n)
				}
			}
			if min(sent[0], sent[1]) <= repliesOfRing {
				t.Error("no ring went round")
			}
		})
	}
}

// TestLiveFull: what the ring of replies cannot hold leaves by the socket's.
func TestLiveFull(t *testing.T) {
	b := newBed(t, 1)
	b.takes("on")
	p := b.open(Config{XDP: Native, Send: Live}, everybody).Worker(0)
	rs := replies(t, b, p, 0, repliesOfRing+100)
	p.Send(rs)
	seen := make(map[uint32]bool)
	for range rs {
		m, err := b.next()
		if err != nil {
			t.Fatal(err)
		}
		seen[binary.BigEndian.Uint32(m)] = true
	}
	if s := p.Stats(); len(seen) != len(rs) || s.Sent != uint64(len(rs)) || p.legs[0].outlet.sent != uint32(repliesOfRing) {
		t.Errorf("%d replies of %d arrived, %d of them live; counted %+v", len(seen), len(rs), p.legs[0].outlet.sent, s)
	}
}

// TestLiveFollowsFarEnd: while a veth's far end takes no live frames the ring
// carries all replies, and what is so is reported.
func TestLiveFollowsFarEnd(t *testing.T) {
	b := newBed(t, 1)
	p := b.open(Config{XDP: Native, Send: Live}, everybody)
	port := p.Worker(0)
	for i, far := range []string{"off", "on", "off"} {
		b.takes(far)
		live := map[string]int{"on": 1, "off": 0}[far]
		for end := time.Now().Add(30 * time.Second); p.Active()[0].Live != live; time.Sleep(20 * time.Millisecond) {
			b.check(b.ns.Do(func() error { p.Tend(); return nil }))
			if time.Now().After(end) {
				t.Fatalf("gro %s at the far end: %s", far, p.Active()[0])
			}
		}
		if told := strings.Contains(p.Active()[0].String(), "it does not send what XDP redirects"); told == (live == 1) {
			t.Errorf("gro %s at the far end: %s", far, p.Active()[0])
		}
		port.Send(replies(t, b, port, 100*i, 40))
		b.arrive(100*i, 40)
	}
}

// TestLiveInterfaceGoes: replies to an interface that is gone are no live frames
// of its successor.
func TestLiveInterfaceGoes(t *testing.T) {
	b := newBed(t, 1)
	b.takes("on")
	p := b.open(Config{XDP: Native, Send: Live}, everybody)
	port := p.Worker(0)
	rs := replies(t, b, port, 0, 40)
	b.check(b.ns.Do(func() error { return p.SetInterfaces([]netif.Picked{}) }))
	port.Send(rs)
	if len(port.idle) != len(port.buffers) || port.legs[0] != nil {
		t.Errorf("%d buffers of %d came back", len(port.idle), len(port.buffers))
	}
	b.check(b.serve(p))
	port.Send(replies(t, b, port, 100, 40))
	for {
		m, err := b.next()
		if err != nil {
			t.Fatal(err)
		}
		if n := binary.BigEndian.Uint32(m); n == 139 {
			return
		}
	}
}
