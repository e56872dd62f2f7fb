package xsk

import (
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"needletail/internal/netif/nettest"
)

// redirect returns an attached program that gives every frame of an interface
// to the sockets of m, and passes what no socket wants.
func redirect(t *testing.T, ifindex int) *ebpf.Map {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "Dual BSD/GPL", Instructions: asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 16, asm.Word), // xdp_md.rx_queue_index
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.Mov.Imm(asm.R3, 2), // XDP_PASS
		asm.FnRedirectMap.Call(),
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	l, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: ifindex, Flags: link.XDPDriverMode})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return m
}

// pair is a socket on one end of a veth pair and a packet socket on the other.
func pair(t *testing.T) (*Socket, int) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("AF_XDP needs root")
	}
	lab := nettest.ForTest(t)
	ns, err := lab.Namespace("xsk")
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Veth(ns, "a", ns, "b"); err != nil {
		t.Fatal(err)
	}
	var s *Socket
	peer := -1
	err = ns.Do(func() error {
		a, err := net.InterfaceByName("a")
		if err != nil {
			return err
		}
		b, err := net.InterfaceByName("b")
		if err != nil {
			return err
		}
		m := redirect(t, a.Index)
		if s, err = Open(Config{IfIndex: a.Index, Frames: 256, RingSize: 128}); err != nil {
			return err
		}
		if err := m.Put(uint32(0), uint32(s.FD())); err != nil {
			return err
		}
		if peer, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, experimental); err != nil {
			return err
		}
		tv := unix.NsecToTimeval(int64(5 * time.Second))
		if err := unix.SetsockoptTimeval(peer, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
			return err
		}
		return unix.Bind(peer, &unix.SockaddrLinklayer{Protocol: experimental, Ifindex: b.Index})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); unix.Close(peer) })
	return s, peer
}

// experimental is the local experimental ethertype 0x88b5 in wire order: what
// the kernel itself sends on a fresh veth is not ours to count.
const experimental = 0xb588

func message(i int) []byte {
	f := make([]byte, 60)
	copy(f, "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x88\xb5")
	copy(f[14:], fmt.Sprintf("frame %d", i))
	return f
}

func TestReceivesEveryFrameOnce(t *testing.T) {
	s, peer := pair(t)
	frames := make([]uint64, 100)
	for i := range frames {
		frames[i] = uint64(i) * FrameSize
	}
	if n := s.Fill(frames); n != 100 {
		t.Fatalf("filled %d of 100", n)
	}
	got := make(map[string]bool)
	descs := make([]Desc, 16)
	for sent := 0; sent < 1000; {
		for range 50 { // never more than the fill ring holds
			if _, err := unix.Write(peer, message(sent)); err != nil {
				t.Fatal(err)
			}
			sent++
		}
		for deadline := time.Now().Add(5 * time.Second); len(got) < sent; {
			n := s.Receive(descs)
			for _, d := range descs[:n] {
				if f := s.Frame(d.Addr, d.Len); f[12] == 0x88 && f[13] == 0xb5 {
					got[string(f)] = true
				}
				s.Fill([]uint64{Base(d.Addr)})
			}
			if n == 0 && time.Now().After(deadline) {
				t.Fatalf("received %d of %d", len(got), sent)
			}
		}
	}
	for i := range 1000 {
		if !got[string(message(i))] {
			t.Errorf("frame %d is missing", i)
		}
	}
}

func TestSendsAndReturnsFrames(t *testing.T) {
	s, peer := pair(t)
	free := make([]uint64, 0, 100)
	for i := range 100 {
		free = append(free, uint64(i)*FrameSize)
	}
	buf := make([]byte, 2048)
	done := make([]uint64, 128)
	for sent := 0; sent < 1000; sent += 100 {
		descs := make([]Desc, 0, 100)
		for i, f := range free {
			descs = append(descs, Desc{Addr: f, Len: uint32(copy(s.Frame(f, FrameSize), message(sent+i)))})
		}
		if n := s.Send(descs); n != 100 {
			t.Fatalf("queued %d of 100", n)
		}
		if err := s.Kick(); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			n, err := unix.Read(peer, buf)
			if err != nil || string(buf[:n]) != string(message(sent+i)) {
				t.Fatalf("frame %d: %q, %v", sent+i, buf[:n], err)
			}
		}
		free = append(free[:0], done[:s.Completed(done)]...)
		if len(free) != 100 {
			t.Fatalf("%d of 100 frames came back", len(free))
		}
	}
	if st, err := s.Stats(); err != nil || st.Tx_invalid_descs != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("AF_XDP needs root")
	}
	for _, cfg := range []Config{{IfIndex: 1, Queue: 99, Frames: 64, RingSize: 64}, {IfIndex: 1, Frames: 64, RingSize: 63}} {
		if s, err := Open(cfg); err == nil {
			s.Close()
			t.Errorf("%+v: opened", cfg)
		}
	}
}
