package fastpath

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"needletail/internal/frame"
	"needletail/internal/netif"
	"needletail/internal/scope"
)

// crasher tells the test binary to be the process that dies.
const crasher = "NEEDLETAIL_TEST_CRASHER"

// TestCrashLeavesNothing kills a process that has the program attached: the
// hook must be free again.
func TestCrashLeavesNothing(t *testing.T) {
	if os.Getenv(crasher) != "" {
		hold(t)
	}
	b := newBed(t, 1)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestCrashLeavesNothing$")
	cmd.Env = append(os.Environ(), crasher+"=1")
	if _, err := b.ns.Start(cmd); err != nil {
		t.Fatal(err)
	}
	var p *Path
	b.check(b.ns.Do(func() (err error) { p, err = Open(Config{XDP: Native, AFXDP: Off}); return err }))
	defer p.Close()
	taken := func() bool {
		err := b.serve(p)
		if err != nil && !strings.Contains(err.Error(), "another program holds the hook") {
			t.Fatal(err)
		}
		b.check(b.ns.Do(func() error { return p.SetInterfaces(nil) }))
		return err != nil
	}
	b.eventually("the process attaches", taken)
	b.check(cmd.Process.Kill())
	b.eventually("the hook is free", func() bool { return !taken() })
}

// hold attaches the program and waits to be killed.
func hold(t *testing.T) {
	p, err := Open(Config{XDP: Native})
	if err != nil {
		t.Fatal(err)
	}
	for { // the parent tries the hook too, and may have it just now
		i, err := netif.ByName("srv")
		if err != nil {
			t.Fatal(err)
		}
		if p.SetInterfaces([]netif.Picked{{Interface: i}}) == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Minute)
	t.Fatal("nobody killed this process")
}

func (b *bed) eventually(what string, is func() bool) {
	b.t.Helper()
	for range 1000 {
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.t.Fatal("never: ", what)
}

// TestRestartForgets: a server that comes after another one judges nothing by what
// that knew: until its own scope is set, everything passes.
func TestRestartForgets(t *testing.T) {
	b := newBed(t, 1)
	frames := func(p *Path, verdict string) (n uint64) {
		for _, v := range p.Verdicts() {
			if v.Name == verdict {
				n = v.Frames
			}
		}
		return n
	}
	f := b.discover([6]byte{2, 0, 0, 0, 11, 1}, frame.ClientPort)
	for _, c := range []struct {
		set     bool
		verdict string
	}{{true, "out-of-scope"}, {false, "no-scope"}} {
		var p *Path
		b.check(b.ns.Do(func() (err error) { p, err = Open(Config{XDP: Native, AFXDP: Off}); return err }))
		if c.set {
			p.SetScope(0, scope.Scope{Mode: scope.Hashed, Enabled: true})
		}
		b.check(b.serve(p))
		b.send(f)
		b.eventually("a query is "+c.verdict, func() bool { return frames(p, c.verdict) == 1 })
		b.check(p.Close())
	}
}
