package fastpath

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"needletail/internal/frame"
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
)

// liveFrames is BPF_F_TEST_XDP_LIVE_FRAMES of linux/bpf.h: what the program
// under test sends is really sent.
const liveFrames = 1 << 1

// Actions of linux/bpf.h.
const (
	xdpDrop = 1
	xdpTX   = 3
)

// returns makes a program that does nothing but return an action.
func returns(t testing.TB, action int32) *ebpf.Program {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, action), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// xdpContext is struct xdp_md.
type xdpContext struct{ Data, DataEnd, DataMeta, Ingress, Queue, Egress uint32 }

// flood sends copies of a frame from the client's interface, generated in the
// kernel, and returns how many the server's program dropped in a second.
func (b *bed) flood(f []byte, frames uint32) float64 {
	b.t.Helper()
	generator := returns(b.t, xdpTX)
	var index uint32
	b.check(b.far.Do(func() error { i, err := linkIndex("cli"); index = uint32(i); return err }))
	before, start := b.drops(), time.Now()
	b.check(b.far.Do(func() error {
		_, err := generator.Run(&ebpf.RunOptions{
			Data: f, Repeat: frames, Flags: liveFrames,
			Context: xdpContext{DataEnd: uint32(len(f)), Ingress: index},
		})
		return err
	}))
	return float64(b.drops()-before) / time.Since(start).Seconds()
}

var dropCount = regexp.MustCompile(`rx_queue_\d+_xdp_drops: (\d+)`)

// drops reads how many frames programs dropped on the server's interface.
func (b *bed) drops() (sum uint64) {
	b.t.Helper()
	out, err := b.ns.Output(context.Background(), "ethtool", "-S", "srv")
	if err != nil {
		b.t.Skip("ethtool is not there to read the drops: ", err)
	}
	for _, m := range dropCount.FindAllSubmatch(out, -1) {
		n, _ := strconv.ParseUint(string(m[1]), 10, 64)
		sum += n
	}
	return sum
}

// TestFloodShare prints how many out-of-scope queries the driver drops in a
// second, as a share of what an empty program drops. The figure is a goal and
// not asserted: the machine is shared.
func TestFloodShare(t *testing.T) {
	const frames, rounds = 300_000, 9
	b := newBed(t, 1)
	f := b.discover([6]byte{2, 0, 0, 0, 0, 2}, frame.ClientPort)
	var none, whole, share []float64
	empty := returns(t, xdpDrop)
	for range rounds { // in turn, so that both meet the same load of the machine
		var l link.Link
		b.check(b.ns.Do(func() (err error) {
			l, err = link.AttachXDP(link.XDPOptions{Program: empty, Interface: b.srv.Index, Flags: link.XDPDriverMode})
			return err
		}))
		none = append(none, b.flood(f, frames))
		b.check(l.Close())

		var p *Path
		b.check(b.ns.Do(func() (err error) { p, err = Open(Config{XDP: Native, AFXDP: Off}); return err }))
		p.SetScope(0, scope.Scope{Mode: scope.Hashed, Enabled: true})
		b.check(b.serve(p))
		whole = append(whole, b.flood(f, frames))
		var dropped uint64
		for _, v := range p.Verdicts() {
			if v.Name == "out-of-scope" {
				dropped = v.Frames
			}
		}
		b.check(p.Close())
		if dropped == 0 {
			t.Fatal("the program dropped nothing as out of scope")
		}
	}
	for i := range rounds {
		share = append(share, whole[i]/none[i])
	}
	t.Logf("out-of-scope queries dropped: %.2f M/s, an empty program %.2f M/s: %.0f %% (medians of %d rounds)",
		median(whole)/1e6, median(none)/1e6, 100*median(share), rounds)
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// TestServedDuringFlood: while out-of-scope queries flood the interface, every
// in-scope client is answered.
func TestServedDuringFlood(t *testing.T) {
	b := newBed(t, 1)
	p := b.open(Config{XDP: Native}, scope.Scope{Mode: scope.Hashed, Enabled: true, Serve: rfc3074.Server(0, 2)})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() { echo(p.Worker(0), stop, func(*frame.Query) {}) })

	flooded := make(chan float64, 1)
	theirs := b.discover([6]byte{2, 0, 0, 0, 0, 2}, frame.ClientPort) // hash 45: the secondary's
	go func() { flooded <- b.flood(theirs, 4_000_000) }()
	var rate float64
	answered := 0
	for i := 0; rate == 0; i++ {
		mac := [6]byte{2, 1, 0, 0, byte(i >> 8), byte(i)}
		if rfc3074.Hash(mac[:])%2 == 0 {
			b.send(b.discover(mac, frame.ClientPort))
			if _, err := b.hear(); err != nil {
				t.Fatalf("client %d, after %d were answered: %v", i, answered, err)
			}
			answered++
		}
		select {
		case rate = <-flooded:
		default:
		}
	}
	t.Logf("%d clients answered while %.2f M/s were dropped", answered, rate/1e6)
	if answered == 0 {
		t.Error("the flood ended before a client was served")
	}
}
