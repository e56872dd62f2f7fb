package bpf

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"

	"needletail/internal/rfc3074"
)

// Actions of linux/bpf.h.
const (
	xdpDrop     = 1
	xdpPass     = 2
	xdpRedirect = 4
)

// kernel is the program, loaded, and what a test needs to ask it.
type kernel struct {
	DhcpObjects
	names []string
	t     testing.TB
}

func needRoot(t testing.TB) {
	if os.Getuid() != 0 {
		t.Skip("needs root to load a BPF program")
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB) *kernel {
	needRoot(t)
	spec, err := Spec()
	if err != nil {
		t.Fatal(err)
	}
	k := &kernel{t: t}
	if k.names, err = VerdictNames(spec); err != nil {
		t.Fatal(err)
	}
	if err := spec.LoadAndAssign(&k.DhcpObjects, nil); err != nil {
		var v *ebpf.VerifierError
		if errors.As(err, &v) {
			t.Log(strings.Join(v.Log[max(0, len(v.Log)-25):], "\n"))
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { k.DhcpObjects.Close() })
	return k
}

// relationships says how many there are.
func (k *kernel) relationships(n uint32) {
	k.t.Helper()
	if err := k.Relationships.Set(n); err != nil {
		k.t.Fatal(err)
	}
}

// scope replaces the scope of relationship i.
func (k *kernel) scope(i uint32, s DhcpScope) {
	k.t.Helper()
	if err := k.Scopes.Put(i, k.box(s)); err != nil {
		k.t.Fatal(err)
	}
}

// hashed is the scope of a server in load-balancing.
func hashed(serve rfc3074.Buckets) DhcpScope {
	return DhcpScope{Serve: serve, Mode: uint8(DhcpModeMODE_HASHED), Enabled: 1}
}

// run passes one frame and returns action and verdict.
func (k *kernel) run(frame []byte) (action uint32, verdict string) {
	k.t.Helper()
	before := k.counters()
	action, err := k.Dhcp.Run(&ebpf.RunOptions{Data: frame})
	if err != nil {
		k.t.Fatal(err)
	}
	return action, k.since(before)
}

// since names the verdict that has been counted since.
func (k *kernel) since(before []uint64) (verdict string) {
	for v, n := range k.counters() {
		if n != before[v] {
			verdict += k.names[v]
		}
	}
	return verdict
}

func (k *kernel) counters() []uint64 {
	k.t.Helper()
	sums := make([]uint64, len(k.names))
	for v := range sums {
		var cpus []uint64
		if err := k.Counters.Lookup(DhcpVerdict(v), &cpus); err != nil {
			k.t.Fatal(err)
		}
		for _, n := range cpus {
			sums[v] += n
		}
	}
	return sums
}
