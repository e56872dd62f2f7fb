package fastpath

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"needletail/internal/netif"
	"needletail/internal/netif/nettest"
)

// TestHookTaken: a second path finds the hook taken; "auto" goes on without it
// and says so once.
func TestHookTaken(t *testing.T) {
	b := newBed(t, 1)
	b.open(Config{XDP: Native}, everybody)
	var logged bytes.Buffer
	for _, mode := range []string{Native, Auto} {
		var second *Path
		b.check(b.ns.Do(func() (err error) {
			second, err = Open(Config{XDP: mode, AFXDP: Off, Log: slog.New(slog.NewTextHandler(&logged, nil))})
			return err
		}))
		err := b.serve(second)
		switch {
		case mode == Native && (err == nil || !strings.Contains(err.Error(), "another program holds the hook")):
			t.Errorf("native: %v", err)
		case mode == Auto && err != nil:
			t.Errorf("auto: %v", err)
		}
		b.check(b.serveIfAuto(second, mode))
		b.check(second.Close())
	}
	if n := strings.Count(logged.String(), "another program holds the hook"); n != 1 {
		t.Errorf("warned %d times, want once: %s", n, logged.String())
	}
}

// serveIfAuto asks again, as after a change of interfaces.
func (b *bed) serveIfAuto(p *Path, mode string) error {
	if mode != Auto {
		return nil
	}
	return b.serve(p)
}

// TestCloseLeavesNothing: the hook is free as soon as the path is closed.
func TestCloseLeavesNothing(t *testing.T) {
	b := newBed(t, 1)
	for range 3 {
		var p *Path
		b.check(b.ns.Do(func() (err error) { p, err = Open(Config{XDP: Native}); return err }))
		b.check(b.serve(p))
		for _, port := range p.ports {
			b.check(port.Close())
		}
		b.check(p.Close())
	}
}

// TestBelow: of an interface that lies above others the answer is which of them to
// serve instead, an error with "native" and a remark with "auto".
func TestBelow(t *testing.T) {
	b := newBed(t, 1)
	for kind, advice := range map[string]string{"vlan": "serve its parent instead", "macvlan": "serve its parent instead", "bridge": "serve its member interfaces instead"} {
		i := netif.Interface{Name: "above", Index: 1 << 20, Kind: kind, Parent: b.srv.Index, Ethernet: true}
		for _, mode := range []string{Native, Auto} {
			p := b.open(Config{XDP: mode, AFXDP: Off}, everybody)
			err := b.ns.Do(func() error { return p.SetInterfaces([]netif.Picked{{Interface: b.srv}, {Interface: i}}) })
			if told := err != nil && strings.Contains(err.Error(), advice); told != (mode == Native) {
				t.Errorf("%s, %s: %v", kind, mode, err)
			}
			all := p.Active()
			if len(all) != 2 || all[0].XDP != Off || !strings.Contains(all[0].String(), advice) || all[1].XDP != Native {
				t.Errorf("%s, %s: %v", kind, mode, all)
			}
			b.check(b.ns.Do(func() error { return p.SetInterfaces(nil) }))
		}
	}
}

// TestLargeMTU: a driver that has native XDP, but not at this MTU, is used as soon
// as the MTU is what the warning asks for.
func TestLargeMTU(t *testing.T) {
	b := newBed(t, 1)
	mtu := func(n string) {
		t.Helper()
		for ns, name := range map[*nettest.Namespace]string{b.ns: "srv", b.far: "cli"} {
			if out, err := ns.Output(t.Context(), "ip", "link", "set", "dev", name, "mtu", n); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		b.look()
	}
	mtu("9000")
	p := b.open(Config{}, everybody)
	if a := p.Active()[0]; a.XDP != Off || !strings.Contains(a.String(), "its MTU of 9000 is too large for native XDP (ip link set dev srv mtu 1500)") {
		t.Errorf("MTU 9000: %s", a)
	}
	mtu("1500")
	b.check(b.serve(p))
	if a := p.Active()[0]; a.XDP != Native {
		t.Errorf("MTU 1500: %s", a)
	}
}

// rxvlan tells whether the server's interface takes VLAN tags out of frames.
func (b *bed) rxvlan() bool {
	b.t.Helper()
	var d netif.Device
	b.check(b.ns.Do(func() (err error) { d, err = netif.Ethtool("srv"); return err }))
	return d.RxVLANTake
}

// TestVLANOffload: rxvlan is turned off where there is a program, whenever somebody
// turns it on, and is as it was where there is none.
func TestVLANOffload(t *testing.T) {
	b := newBed(t, 1)
	if !b.rxvlan() {
		t.Skip("the interface has no rxvlan")
	}
	var held link.Link
	b.check(b.ns.Do(func() (err error) {
		held, err = link.AttachXDP(link.XDPOptions{Program: returns(t, xdpDrop), Interface: b.srv.Index, Flags: link.XDPDriverMode})
		return err
	}))
	p := b.open(Config{}, everybody)
	if a := p.Active()[0]; a.XDP != Off || !b.rxvlan() {
		t.Errorf("no program, and rxvlan is off: %s", a)
	}
	b.check(held.Close())
	b.check(b.serve(p))
	for range 2 {
		if a := p.Active()[0]; a.XDP != Native || b.rxvlan() || strings.Count(a.String(), "turned rxvlan off") != 1 {
			t.Errorf("rxvlan is on: %s", a)
		}
		b.check(b.ns.Do(func() error {
			defer p.Tend()
			return netif.TakeVLAN("srv", true)
		}))
	}
}

// TestMoreQueues: a queue that an interface gets later has a socket within the next
// looks, and its queries reach a worker.
func TestMoreQueues(t *testing.T) {
	b := newBed(t, 2)
	channels := func(n string) {
		t.Helper()
		if out, err := b.ns.Output(t.Context(), "ethtool", "-L", "srv", "rx", n); err != nil {
			t.Skipf("the driver does not change its queues: %v %s", err, out)
		}
	}
	if out, err := b.far.Output(t.Context(), "ethtool", "-L", "cli", "tx", "1"); err != nil { // a program needs a queue for each of the far end's
		t.Skipf("the driver does not change its queues: %v %s", err, out)
	}
	channels("1")
	p := b.open(Config{XDP: Native, Workers: 1}, everybody)
	for _, want := range []int{1, 2} {
		if a := p.Active()[0]; a.Queues != want || a.Sockets != want {
			t.Errorf("with %d queues: %s", want, a)
		}
		channels("2")
		b.check(b.ns.Do(func() error { p.Tend(); return nil }))
	}
}

// TestRemedies: a refusal names what helps, and both things where the kernel's
// word fits either.
func TestRemedies(t *testing.T) {
	small, big := netif.Picked{Interface: netif.Interface{Name: "eth0", MTU: 1500}}, netif.Picked{Interface: netif.Interface{Name: "eth0", MTU: 9000}}
	for _, c := range []struct {
		at       netif.Picked
		err      error
		generic  bool
		lowerMTU bool
	}{
		{small, unix.EOPNOTSUPP, true, false},
		{big, unix.EOPNOTSUPP, true, true},
		{big, unix.EINVAL, false, true},
		{big, unix.EBUSY, false, false},
	} {
		got := explainAttach(c.at, "some", c.err)
		if !errors.Is(got, c.err) || strings.Contains(got.Error(), "xdp: generic") != c.generic || strings.Contains(got.Error(), "mtu 1500") != c.lowerMTU {
			t.Errorf("MTU %d, %v: %v", c.at.MTU, c.err, got)
		}
	}
}

// TestRefusals: a refusal whose reason is not the driver's says what it is.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		kind string
		err  error
		want string
	}{
		{"bond", unix.EOPNOTSUPP, "serve the members instead"},
		{"bond", unix.EBUSY, "another program holds the hook"},
		{"veth", unix.EPERM, "CAP_NET_ADMIN is missing"},
		{"veth", unix.ENODEV, "the interface is gone"},
		{"veth", unix.ENOSPC, "dmesg"},
	} {
		got := explainAttach(netif.Picked{Interface: netif.Interface{Name: "eth0", MTU: 1500, Kind: c.kind}}, c.kind, c.err)
		if !errors.Is(got, c.err) || !strings.Contains(got.Error(), c.want) {
			t.Errorf("%s, %v: %v", c.kind, c.err, got)
		}
	}
}

// TestLacking: each capability that is missing is named with what needs it, and
// CAP_SYS_ADMIN stands for all.
func TestLacking(t *testing.T) {
	const all = 1<<unix.CAP_BPF | 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_PERFMON
	for have, want := range map[uint64][]string{
		all: nil, 1 << unix.CAP_SYS_ADMIN: nil,
		all &^ (1 << unix.CAP_BPF): {"CAP_BPF is missing, needed to load the XDP program"},
		1 << unix.CAP_NET_RAW:      {"CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"},
	} {
		err := lacking(have)
		if (err != nil) != (want != nil) {
			t.Errorf("with %#x: %v", have, err)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) || strings.Count(err.Error(), "is missing") != len(want) {
				t.Errorf("with %#x: %v, want %q", have, err, want)
			}
		}
	}
}

// TestReport: the line at start-up says what the interface has and has not.
func TestReport(t *testing.T) {
	b := newBed(t, 1)
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	p := b.open(Config{XDP: Generic, AFXDP: ZeroCopy, Log: log}, everybody)
	b.check(b.serve(p)) // nothing new: no second line
	for _, want := range []string{"driver veth", "generic XDP", "1 of 1 queues with AF_XDP", "turned rxvlan off"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the report lacks %q: %s", want, logged.String())
		}
	}
	if n := strings.Count(logged.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want 1: %s", n, logged.String())
	}
}

func TestZeroCopyFallsBack(t *testing.T) {
	b := newBed(t, 1)
	var logged bytes.Buffer
	b.open(Config{XDP: Native, AFXDP: ZeroCopy, Log: slog.New(slog.NewTextHandler(&logged, nil))}, everybody)
	for _, want := range []string{"1 of 1 queues with AF_XDP (0 zero-copy)", "no zero-copy on queue 0"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the report lacks %q: %s", want, logged.String())
		}
	}
}

// TestNoSuchProcessor: a worker cannot be pinned to a processor that is not there.
func TestNoSuchProcessor(t *testing.T) {
	b := newBed(t, 1)
	err := b.ns.Do(func() error {
		p, err := Open(Config{XDP: Native, CPUs: []int{1023}})
		if err == nil {
			p.Close()
		}
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "processor 1023") {
		t.Errorf("got %v", err)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{
		{XDP: "sometimes"}, {AFXDP: "perhaps"}, {Relationships: 65}, {Relationships: -1}, {Queries: -64},
	} {
		if _, err := c.normal(); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	for release, ok := range map[string]bool{"6.1.0-56-amd64": true, "6.18.44": true, "7.0": true, "5.15.0-100": false, "6.0.9": false, "linux": false} {
		if err := recent(release); (err == nil) != ok {
			t.Errorf("kernel %s: %v", release, err)
		}
	}
}

// TestFrames: the memory of an interface grows slower than its queues.
func TestFrames(t *testing.T) {
	for _, c := range []struct{ set, queues, queries, replies int }{
		{0, 1, 24576, 2048}, {0, 2, 12288, 2048}, {0, 5, 4915, 2048}, {0, 8, 4096, 2048}, {0, 64, 4096, 2048},
		{64, 1, 64, 64}, {65536, 16, 65536, 2048},
	} {
		queries, replies := Config{Queries: c.set}.frames(c.queues)
		if queries != c.queries || replies != c.replies {
			t.Errorf("%+v: got %d and %d", c, queries, replies)
		}
	}
}
