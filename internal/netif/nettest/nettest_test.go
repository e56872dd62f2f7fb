package nettest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What a lab made is gone after Close: namespaces, and processes with their
// children.
func TestCloseLeavesNothing(t *testing.T) {
	l := ForTest(t)
	a, err := l.Namespace("a")
	must(t, err)
	b, err := l.Namespace("b")
	must(t, err)
	must(t, l.Veth(a, "a0", b, "b0"))
	out, err := b.Output(context.Background(), "ip", "-o", "link", "show", "b0")
	if err != nil || !strings.Contains(string(out), "b0") {
		t.Fatalf("%s %v", out, err)
	}
	p, err := a.Start(exec.Command("sh", "-c", "trap '' TERM; sleep 300 & echo $! >&2; wait"))
	must(t, err)
	stubborn := p.Cmd.Process.Pid
	obedient, err := b.Start(exec.Command("sleep", "300"))
	must(t, err)
	must(t, unix.Kill(stubborn, 0))
	obedient.Stop()
	if err := obedient.Wait(); err == nil {
		t.Error("sleep ended by itself")
	}
	must(t, l.Close())
	for tries := 0; unix.Kill(-stubborn, 0) != unix.ESRCH; tries++ { // init reaps the orphan in its own time
		if tries == 200 {
			t.Fatal("the process group lives")
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, n := range []*Namespace{a, b} {
		if _, err := os.Stat("/run/netns/" + n.Name); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", n.Name, err)
		}
	}
	must(t, l.Close())
	if _, err := l.Namespace("c"); err == nil {
		t.Error("a closed lab makes namespaces")
	}
}

// A test that fails inside a namespace does not hang, and the thread does not
// return to other goroutines.
func TestDoSurvivesExit(t *testing.T) {
	l := ForTest(t)
	n, err := l.Namespace("a")
	must(t, err)
	if err := n.Do(func() error { exit(); return nil }); err == nil {
		t.Error("no error")
	}
	before, err := os.Readlink("/proc/thread-self/ns/net")
	must(t, err)
	var inside string
	must(t, n.Do(func() (err error) { inside, err = os.Readlink("/proc/thread-self/ns/net"); return err }))
	after, err := os.Readlink("/proc/thread-self/ns/net")
	must(t, err)
	if before != after || inside == before {
		t.Errorf("namespaces %s, %s, %s", before, inside, after)
	}
}

// What a killed process left is removed, what a living one has is not.
func TestSweepNames(t *testing.T) {
	for name, want := range map[string]string{
		"nt123-4-server": "123", "nt1-1-a": "1", "nt-1-a": "", "mynt12-1-a": "", "nt12": "", "blue": "",
	} {
		got := ""
		if m := owned.FindStringSubmatch(name); m != nil {
			got = m[1]
		}
		if got != want {
			t.Errorf("%s: process %q, want %q", name, got, want)
		}
	}
}

func TestSweepRemovesOrphans(t *testing.T) {
	l := ForTest(t) // sweeps once, before
	dead := exec.Command("true")
	must(t, dead.Run())
	orphan := &Lab{prefix: fmt.Sprintf("nt%d-1-", dead.Process.Pid)}
	n, err := orphan.Namespace("orphan")
	must(t, err)
	mine, err := l.Namespace("mine")
	must(t, err)
	sweepNow()
	if _, err := os.Stat("/run/netns/" + n.Name); !os.IsNotExist(err) {
		t.Errorf("the orphan is still there: %v", err)
	}
	if _, err := os.Stat("/run/netns/" + mine.Name); err != nil {
		t.Errorf("a living process lost its namespace: %v", err)
	}
}

// A borrowed interface comes back under its own name, down.
func TestBorrow(t *testing.T) {
	l := ForTest(t)
	home, err := l.Namespace("home")
	must(t, err)
	far, err := l.Namespace("far")
	must(t, err)
	must(t, l.Veth(home, "nic", far, "end"))
	there := Open()
	defer there.Close()
	away, err := there.Namespace("away")
	must(t, err)
	must(t, home.Do(func() error { return there.Borrow("nic", away, "srv") }))
	must(t, away.link("srv", func(l netlink.Link) error {
		if l.Attrs().Flags&net.FlagUp == 0 {
			t.Error("the borrowed interface is down")
		}
		return nil
	}))
	if err := home.SetUp("nic", true); err == nil {
		t.Error("it is still at home")
	}
	must(t, there.Close())
	must(t, home.link("nic", func(l netlink.Link) error {
		if l.Attrs().Flags&net.FlagUp != 0 {
			t.Error("what was given back is up")
		}
		return nil
	}))
	if err := home.Do(func() error { return there.Borrow("none", away, "srv") }); err == nil {
		t.Error("an interface that is not there was borrowed")
	}
}
