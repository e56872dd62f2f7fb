package e2eha

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// elsewhen makes a copy of the appliance in whose eyes it is earlier or later by
// whole seconds: namespaces do not move wall time, and the product has no switch
// that does. time.Now adds one constant to the kernel's seconds, which is
// another one in the copy; its monotonic clock, and with it every timer, stays.
func elsewhen(t *testing.T, skew time.Duration) string {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("knows the machine code of time.Now on amd64 only")
	}
	text, err := os.ReadFile(program)
	must(t, err)
	now := machineCode(t, "time.Now", text)
	// The time package counts from 1885 (see wallToInternal there), the kernel
	// from 1970.
	epoch := time.Unix(0, 0).Unix() - time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	found := binary.LittleEndian.AppendUint32(nil, uint32(epoch))
	if n := bytes.Count(now, found); n != 1 {
		t.Fatalf("time.Now of %s adds seconds at %d places: see how it is compiled (go tool objdump) and mend this test", runtime.Version(), n)
	}
	at := bytes.Index(now, found)
	binary.LittleEndian.PutUint32(now[at:], uint32(epoch+int64(skew/time.Second)))
	copied := filepath.Join(t.TempDir(), "needletail")
	must(t, os.WriteFile(copied, text, 0o755))
	return copied
}

// machineCode is the part of an executable that holds a function.
func machineCode(t *testing.T, name string, text []byte) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(text))
	must(t, err)
	symbols, err := f.Symbols()
	must(t, err)
	for _, s := range symbols {
		if s.Name == name {
			section := f.Sections[s.Section]
			return text[s.Value-section.Addr+section.Offset:][:s.Size]
		}
	}
	t.Fatalf("%s has no symbol %s", program, name)
	return nil
}

// Two needletails whose clocks differ work as a pair: a lease ends at the same
// moment at both, so that a survivor gives no address away before its client's
// lease is over, and does give it away afterwards. The lease time is shorter
// than the difference. As in Kea there is a warning from 30 s on.
func TestClocksApart(t *testing.T) {
	for _, skew := range []time.Duration{20 * time.Second, -40 * time.Second} {
		t.Run(skew.String(), func(t *testing.T) {
			long(t)
			p := newSkewedPair(t, setup{pool: "192.0.16.0 - 192.0.16.49", lifetime: 8, heartbeat: 300, dead: 1500}, skew)
			reach(p.normal, p.a, p.b)
			p.w.all("both are up", 0, 30)
			p.sameMoment(skew)
			if warns := p.a.warnsOfClock(); warns != (skew.Abs() > 30*time.Second) {
				t.Errorf("a warning of the clock: %v", warns)
			}
			p.b.Kill()
			p.a.reach("partner-down")
			p.w.all("some must wait for old leases to end", 100, 130)
			p.b.start()
			reach(p.normal, p.a, p.b)
			p.sameMoment(skew)
			p.w.all("renewals", 100, 130)
			p.a.Kill()
			p.b.reach("partner-down")
			p.w.all("the same at the other one", 200, 230)
			p.w.kept(p.b)
		})
	}
}

// newSkewedPair is two needletails with the second one's clock ahead by skew.
func newSkewedPair(t *testing.T, o setup, skew time.Duration) *pair {
	t.Helper()
	s := newSite(t)
	p := &pair{site: s, a: s.add(1, o), b: s.add(2, o), normal: "load-balancing"}
	p.b.binary = elsewhen(t, skew)
	p.a.start()
	p.b.start()
	p.w = s.swarm()
	return p
}

// Beyond a minute both terminate, as Kea does.
func TestClocksTooFarApart(t *testing.T) {
	long(t)
	p := newSkewedPair(t, setup{heartbeat: 300}, 75*time.Second)
	reach("terminated", p.a, p.b)
	p.w.all("each serves its own clients", 0, 60)
	p.balanced(60)
}

// warnsOfClock tells whether the server has warned that the clocks differ.
func (m *member) warnsOfClock() bool {
	return strings.Contains(m.Log(), "the partner's clock differs by")
}

// sameMoment checks that both servers have the same leases, which end at the
// same time, though the second one's clock shows another.
func (p *pair) sameMoment(skew time.Duration) {
	p.t.Helper()
	why := "not looked"
	for end := time.Now().Add(5 * time.Second); why != "" && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		why = moments(comparable(p.a.leases()), comparable(p.b.leases()), skew)
	}
	if why != "" {
		p.t.Errorf("with a clock %v ahead %s", skew, why)
	}
}

// moments tells how two tables differ, if the second one's clock is ahead by
// skew. Heartbeats tell whole seconds, so times may be off by two.
func moments(x, y map[netip.Addr]lease, skew time.Duration) string {
	for a, l := range x {
		r := y[a]
		off := time.Duration(r.CLTT-l.CLTT)*time.Second - skew
		if r.HW != l.HW || r.Valid != l.Valid || off.Abs() > 2*time.Second {
			return fmt.Sprintf("%v: %+v and %+v", a, l, r)
		}
	}
	if len(x) != len(y) {
		return fmt.Sprintf("%d leases and %d", len(x), len(y))
	}
	return ""
}
