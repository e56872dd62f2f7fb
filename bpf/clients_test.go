package bpf

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"needletail/internal/rfc3074"
)

type census struct {
	analyzed            uint64
	connecting, unacked uint32
}

// census reads the counts of relationship half/2 in epochs of the parity half%2.
func (k *kernel) census(half uint32) (c census) {
	k.t.Helper()
	var n DhcpCensus
	if err := k.ClientCounts.Lookup(half, &n); err != nil {
		k.t.Fatal(err)
	}
	var cpus []uint64
	if err := k.Analyzed.Lookup(half, &cpus); err != nil {
		k.t.Fatal(err)
	}
	for _, n := range cpus {
		c.analyzed += n
	}
	c.connecting, c.unacked = n.Connecting, n.Unacked
	return c
}

// interrupted is the scope of a server that serves nobody and watches for a
// silent partner, with Kea's default of ten seconds.
func interrupted(epoch uint32) DhcpScope {
	s := hashed(rfc3074.Buckets{})
	s.Interrupted, s.AckDelayMs, s.UnackedMax, s.Epoch = 1, 10_000, 2, epoch
	return s
}

// TestUnacked follows Kea: communication_state.cc, analyzeMessage.
func TestUnacked(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, interrupted(2))
	var want census
	step := func(what string, mac byte, clientID []byte, secs uint16, connecting, unacked uint32) {
		t.Helper()
		q := discover([6]byte{2, 0, 0, 0, 0, mac}, clientID)
		q.secs = secs
		if action, verdict := k.run(q.frame()); action != xdpDrop || verdict != "unacked" {
			t.Fatalf("%s: action %d, %s", what, action, verdict)
		}
		want.analyzed++
		want.connecting += connecting
		want.unacked += unacked
		if got := k.census(0); got != want {
			t.Fatalf("%s: %+v, want %+v", what, got, want)
		}
	}
	id := []byte{1, 2, 3}
	step("a new client", 1, id, 0, 1, 0)
	step("the same again", 1, id, 0, 0, 0)
	step("exactly the delay is not yet more", 1, id, 10, 0, 0)
	step("more than the delay", 1, id, 11, 0, 1)
	step("counted once", 1, id, 12, 0, 0)
	step("the flag never goes back", 1, id, 0, 0, 0)
	step("and is not counted again", 1, id, 11, 0, 0)
	step("another client identifier is another client", 1, []byte{1, 2, 4}, 0, 1, 0)
	step("so is none", 1, nil, 0, 1, 0)
	step("another address is another client", 2, id, 0, 1, 0)
	step("new and unacked at once", 3, id, 11, 1, 1)
	step("Windows swaps the bytes: 10", 4, id, 10<<8, 1, 0)
	step("Windows swaps the bytes: 11", 4, id, 11<<8, 0, 1)
	step("not swapped: low byte", 5, id, 256+1, 1, 1)
	step("255 is not swapped", 6, id, 255, 1, 1)
	step("0xff00 is 255", 7, id, 0xff00, 1, 1)

	for _, short := range [][]byte{{}, {1}} { // user space refuses the message (RFC 2132 section 9.14)
		if action, verdict := k.run(discover([6]byte{2, 0, 0, 0, 0, 1}, short).frame()); action != xdpPass || verdict != "odd-client-id" {
			t.Errorf("client identifier %x: action %d, %s", short, action, verdict)
		}
	}

	k.scope(0, interrupted(3)) // contact: all are forgotten
	q := discover([6]byte{2, 0, 0, 0, 0, 3}, id)
	k.run(q.frame())
	if got := k.census(1); got != (census{1, 1, 0}) {
		t.Errorf("a client of the former epoch: %+v", got)
	}
	q.secs = 11
	k.run(q.frame())
	if got := k.census(1); got != (census{2, 1, 1}) {
		t.Errorf("and unacked again: %+v", got)
	}
}

// TestEpochsUnderLoad: a client that tries on all CPUs is counted once an epoch,
// also by a CPU that still judges under the scope before.
func TestEpochsUnderLoad(t *testing.T) {
	const epochs = 1000
	k := load(t)
	k.relationships(1)
	k.scope(0, interrupted(1))
	q := discover([6]byte{2, 9, 9, 9}, nil)
	q.secs = 11
	f := q.frame()
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range max(runtime.NumCPU(), 2) + 1 {
		wg.Go(func() {
			for !stop.Load() {
				if _, err := k.Dhcp.Run(&ebpf.RunOptions{Data: f, Repeat: 2000}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	defer wg.Wait()
	defer stop.Store(true)
	boxes := [2]*ebpf.Map{k.box(DhcpScope{}), k.box(DhcpScope{})}
	for e := uint32(2); e < 2+epochs; e++ {
		if err := k.ClientCounts.Put(e%2, DhcpCensus{}); err != nil {
			t.Fatal(err)
		}
		if err := boxes[e%2].Put(uint32(0), interrupted(e)); err != nil { // no packet is under it since the last change
			t.Fatal(err)
		}
		if err := k.Scopes.Put(uint32(0), boxes[e%2]); err != nil {
			t.Fatal(err)
		}
		for range 50 { // of the epoch's packets some pass
			if c := k.census(e % 2); c.connecting > 1 || c.unacked > 1 {
				t.Fatalf("epoch %d counts the one client more than once: %+v", e, c)
			}
		}
	}
}

// Only queries that are not served, of types that HA looks at, are analysed.
func TestNotAnalyzed(t *testing.T) {
	k := load(t)
	k.relationships(1)
	quiet := interrupted(2)
	quiet.Interrupted = 0
	k.scope(0, quiet)
	q := discover([6]byte{2}, nil)
	q.secs = 100
	k.run(q.frame())
	served := interrupted(2)
	served.Serve = rfc3074.All
	k.scope(0, served)
	k.run(q.frame())
	k.scope(0, interrupted(2))
	q.options = options(opt(53, 10))
	k.run(q.frame())
	if got := k.census(0); got != (census{}) {
		t.Errorf("counted %+v", got)
	}
}

// Hardware addresses of every length are told apart, and bytes behind hlen are
// no part of them.
func TestUnackedHardwareAddress(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, interrupted(2))
	q := query{options: options(opt(53, 1), opt(61, 7, 7))}
	for n := range 17 {
		q.hlen = byte(n)
		q.mac = [16]byte{}
		k.run(q.frame())
		for i := n; i < 16; i++ {
			q.mac[i] = 0xee
		}
		k.run(q.frame())
		if n > 0 {
			q.mac[n-1] = 1
			k.run(q.frame())
		}
	}
	if got := k.census(0); got.connecting != 17+16 {
		t.Errorf("%d clients, want 33", got.connecting)
	}
}

// TestCrossing: user space hears of the first client above the limit, once.
func TestCrossing(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, interrupted(2)) // two are tolerated
	events, err := ringbuf.NewReader(k.Events)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	none := func() {
		t.Helper()
		events.SetDeadline(time.Now())
		if r, err := events.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("an event: %x, %v", r.RawSample, err)
		}
	}
	unacked := func(mac byte) {
		q := discover([6]byte{2, 0, 0, 0, 0, mac}, nil)
		q.secs = 11
		k.run(q.frame())
	}
	unacked(1)
	unacked(2)
	none()
	unacked(3)
	events.SetDeadline(time.Now().Add(10 * time.Second))
	r, err := events.Read()
	if err != nil {
		t.Fatal(err)
	}
	var e DhcpEvent
	if _, err := binary.Decode(r.RawSample, binary.NativeEndian, &e); err != nil {
		t.Fatal(err)
	}
	if e.Relationship != 0 || e.Epoch != 2 || e.Unacked != 3 {
		t.Errorf("event %+v", e)
	}
	unacked(4)
	unacked(3)
	none()
}

// The map forgets the oldest clients; it never refuses or fails.
func TestClientsBounded(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, interrupted(2))
	f := discover([6]byte{2}, nil).frame()
	const chaddr = 14 + ipLen + udpLen + 28
	const clients = 100_000
	for i := range clients {
		binary.BigEndian.PutUint32(f[chaddr+2:], uint32(i))
		if _, err := k.Dhcp.Run(&ebpf.RunOptions{Data: f}); err != nil {
			t.Fatal(err)
		}
	}
	got := k.census(0)
	if got.analyzed != clients || got.connecting != clients {
		t.Errorf("%+v, want %d clients", got, clients)
	}
}
