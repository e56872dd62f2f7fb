package flood

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"needletail/internal/netif/nettest"
	"needletail/internal/rfc3074"
)

const (
	offBootp  = etherLen + ipLen + udpLen
	offMAC    = offBootp + 28
	offCookie = offBootp + bootpLen
	offID     = offCookie + 4 + 3
)

// open loads the program for the loopback interface, which is enough to look
// at what it makes.
func open(t *testing.T, c Config) *Flood {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load a BPF program")
	}
	c.Interface = "lo"
	f, err := newFlood(c, 1, [6]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// one runs the program on a frame, which it may change.
func (f *Flood) one(t *testing.T, frame []byte) []byte {
	t.Helper()
	out := make([]byte, 2*len(frame))
	opts := ebpf.RunOptions{Data: frame, DataOut: out}
	action, err := f.objects.FloodPrograms.Flood.Run(&opts)
	if err != nil {
		t.Fatal(err)
	}
	if action != 4 { // XDP_REDIRECT
		t.Fatalf("action %d, want redirect", action)
	}
	return opts.DataOut
}

func TestQueriesFallIntoWantedBuckets(t *testing.T) {
	odd := func(b uint8) bool { return b%2 == 1 }
	f := open(t, Config{Wanted: odd, Salt: 0xf1, First: 0x01020300})
	seen, buckets := make(map[string]bool), make(map[uint8]bool)
	frame := f.frame
	for i := range 1000 {
		frame = f.one(t, frame)
		id, mac := frame[offID+2:offID+10], frame[offMAC:offMAC+6]
		if string(id[2:]) != string(mac) || mac[0] != 2 || mac[1] != 0xf1 || binary.BigEndian.Uint32(mac[2:]) != 0x01020300+uint32(i) {
			t.Fatalf("client %d: id %x, mac %x", i, id, mac)
		}
		b := rfc3074.Hash(id)
		if !odd(b) {
			t.Fatalf("client %d falls into bucket %d", i, b)
		}
		buckets[b], seen[string(id)] = true, true
	}
	if len(buckets) != 128 || len(seen) != 1000 {
		t.Errorf("%d buckets of 128, %d clients of 1000", len(buckets), len(seen))
	}
}

func TestWholeQueriesAreWhole(t *testing.T) {
	f := open(t, Config{})
	frame := f.one(t, f.frame)
	if len(frame) != len(f.frame) || checksum(frame[etherLen:etherLen+ipLen]) != 0 {
		t.Errorf("%d bytes, checksum %#x", len(frame), checksum(frame[etherLen:etherLen+ipLen]))
	}
	if o := frame[offCookie:]; binary.BigEndian.Uint32(o) != 0x63825363 || o[4] != 53 || o[6] != 1 || o[7] != 61 || o[8] != 8 || o[17] != 55 || o[23] != 255 {
		t.Errorf("options %x", o)
	}
}

// Each fault is made, and none stays in a frame that is used again.
func TestFaults(t *testing.T) {
	f := open(t, Config{Malformed: true})
	whole := f.frame
	frame := f.frame
	for n := range 3 * int(FloodFaultFAULTS) {
		frame = f.one(t, frame)
		fault := FloodFault(n % int(FloodFaultFAULTS))
		if got := wrong(frame); got != fault {
			t.Errorf("query %d: fault %d, want %d: %x", n, got, fault, frame)
		}
		frame = append(frame[:len(frame):len(frame)], whole[len(frame):]...) // as the kernel gives it back
	}
}

// wrong tells the first fault of a frame, FAULTS if there is none.
func wrong(f []byte) FloodFault {
	if len(f) < frameLen {
		return FloodFaultFAULT_TRUNCATED
	}
	udp := binary.BigEndian.Uint16(f[etherLen+ipLen+4:])
	for _, c := range []struct {
		fault FloodFault
		is    bool
	}{
		{FloodFaultFAULT_FRAGMENT, f[etherLen+6] == 0x20 && checksum(f[etherLen:etherLen+ipLen]) == 0},
		{FloodFaultFAULT_UDP_LONG, int(udp) > frameLen-etherLen-ipLen},
		{FloodFaultFAULT_UDP_EMPTY, udp == udpLen},
		{FloodFaultFAULT_REPLY, f[offBootp] != 1},
		{FloodFaultFAULT_HLEN, f[offBootp+2] > 16},
		{FloodFaultFAULT_COOKIE, f[offCookie] != 0x63},
		{FloodFaultFAULT_NO_TYPE, f[offCookie+5] == 0},
		{FloodFaultFAULT_TYPE, f[offCookie+6] == 99},
		{FloodFaultFAULT_ID_LONG, f[offID+1] == 250},
		{FloodFaultFAULT_NO_END, f[frameLen-1] != 255},
	} {
		if c.is {
			return c.fault
		}
	}
	return FloodFaultFAULTS
}

// Live frames arrive at the far end of a veth pair, all of them, at about the
// rate that was asked for.
func TestLiveFramesArrive(t *testing.T) {
	lab := nettest.ForTest(t)
	a, err := lab.Namespace("a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := lab.Namespace("b")
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Veth(a, "a0", b, "b0"); err != nil {
		t.Fatal(err)
	}
	// Without GRO or a program of its own the far end takes no XDP frames.
	if out, err := b.Output(context.Background(), "ethtool", "-K", "b0", "gro", "on"); err != nil {
		t.Skipf("ethtool: %v %s", err, out)
	}
	var made uint64
	before := received(t, b)
	err = a.Do(func() error {
		f, err := Open(Config{Interface: "a0", To: [6]byte{2, 1, 1, 1, 1, 1}})
		if err != nil {
			return err
		}
		defer f.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		if err := f.Run(ctx, 20000); err != nil {
			return err
		}
		made, err = f.Made()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := received(t, b) - before; made < 100 || got < made || got > made+20 { // a few of IPv6's own
		t.Errorf("%d made, %d arrived", made, got)
	}
}

func received(t *testing.T, n *nettest.Namespace) (packets uint64) {
	t.Helper()
	err := n.Do(func() (err error) { packets, err = packetsIn("b0"); return err })
	if err != nil {
		t.Fatal(err)
	}
	return packets
}

// packetsIn returns the packets an interface of the calling thread's network
// namespace has taken in. It reads /proc/thread-self, so that threads in
// different namespaces each see their own.
func packetsIn(ifname string) (uint64, error) {
	b, err := os.ReadFile("/proc/thread-self/net/dev")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		name, counts, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || name != ifname {
			continue
		}
		var bytes, packets uint64
		if _, err := fmt.Sscan(counts, &bytes, &packets); err != nil {
			return 0, fmt.Errorf("counters of %s: %w", ifname, err)
		}
		return packets, nil
	}
	return 0, fmt.Errorf("counters of %s: no such interface", ifname)
}
