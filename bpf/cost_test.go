package bpf

import (
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"needletail/internal/rfc3074"
)

// instructionsMax is our own bound on the verifier's work. The kernel's is a
// million.
const instructionsMax = 50_000

func TestVerifierWork(t *testing.T) {
	k := load(t)
	info, err := k.Dhcp.Info()
	if err != nil {
		t.Fatal(err)
	}
	n, ok := info.VerifiedInstructions()
	if !ok {
		t.Skip("this kernel does not tell the number of verified instructions")
	}
	xlated, _ := info.TranslatedSize()
	jited, _ := info.JitedSize()
	t.Logf("program dhcp: %d instructions verified, %d bytes translated, %d bytes native", n, xlated, jited)
	if n >= instructionsMax {
		t.Errorf("%d instructions verified, want fewer than %d", n, instructionsMax)
	}
}

func emptyDrop(t testing.TB) *ebpf.Program {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "empty_drop", Type: ebpf.XDP, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, xdpDrop), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// TestCost prints the cost of the whole decision as a multiple of an empty
// program's. The ratio is a goal, not an assertion: a test machine is shared.
func TestCost(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, hashed(rfc3074.Buckets{}))
	empty := emptyDrop(t)
	frames := map[string][]byte{
		"hardware address":   discover([6]byte{2, 0, 0, 0, 0, 1}, nil).frame(),
		"7-byte client id":   discover([6]byte{2, 0, 0, 0, 0, 1}, []byte{1, 2, 0, 0, 0, 0, 1}).frame(),
		"19-byte client id":  discover([6]byte{2, 0, 0, 0, 0, 1}, make([]byte, 19)).frame(),
		"255-byte client id": discover([6]byte{2, 0, 0, 0, 0, 1}, make([]byte, 255)).frame(),
	}
	for name, frame := range frames {
		if action, verdict := k.run(frame); action != xdpDrop || verdict != "out-of-scope" {
			t.Fatalf("%s: action %d, %s", name, action, verdict)
		}
		none, whole := fastest(t, empty, frame), fastest(t, k.Dhcp, frame)
		t.Logf("%s: %.1f ns, empty program %.1f ns: %.1f times", name, whole, none, whole/none)
	}
}

// fastest returns what a run of a program costs, in nanoseconds, when nothing else takes the
// CPU: by how much the shortest of several long calls exceeds the shortest of short ones. The
// kernel's own figure is in whole nanoseconds.
func fastest(t testing.TB, p *ebpf.Program, frame []byte) float64 {
	const rounds, few, many = 15, 20_000, 220_000
	least := map[uint32]time.Duration{few: time.Hour, many: time.Hour}
	for range rounds {
		for repeat := range least {
			start := time.Now()
			if _, err := p.Run(&ebpf.RunOptions{Data: frame, Repeat: repeat}); err != nil {
				t.Fatal(err)
			}
			least[repeat] = min(least[repeat], time.Since(start))
		}
	}
	return float64(least[many]-least[few]) / (many - few)
}
