package netif_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"needletail/internal/frame"
	"needletail/internal/netif"
	"needletail/internal/netif/nettest"
)

type pair struct {
	t   *testing.T
	lab *nettest.Lab
	a   *nettest.Namespace
	b   *nettest.Namespace
}

// newPair is two namespaces with a link a0 - b0, without addresses.
func newPair(t *testing.T) *pair {
	p := &pair{t: t, lab: nettest.ForTest(t)}
	var err error
	p.a, err = p.lab.Namespace("a")
	p.must(err)
	p.b, err = p.lab.Namespace("b")
	p.must(err)
	p.must(p.lab.Veth(p.a, "a0", p.b, "b0", 2))
	return p
}

func (p *pair) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *pair) look(ifname string) (i netif.Interface) {
	p.t.Helper()
	p.must(p.a.Do(func() (err error) { i, err = netif.ByName(ifname); return err }))
	return i
}

func TestList(t *testing.T) {
	p := newPair(t)
	p.must(p.a.Address("a0", "192.0.2.1/24"))
	p.must(p.a.Address("a0", "198.51.100.1/32"))
	p.must(p.a.Do(func() error {
		return netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}})
	}))
	p.must(p.a.Do(func() error {
		br, err := netlink.LinkByName("br0")
		if err != nil {
			return err
		}
		a0, err := netlink.LinkByName("a0")
		if err != nil {
			return err
		}
		return netlink.LinkSetMaster(a0, br)
	}))
	a0, br := p.look("a0"), p.look("br0")
	want := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("198.51.100.1/32")}
	if !slices.Equal(a0.Addresses, want) {
		t.Errorf("addresses %v", a0.Addresses)
	}
	if a0.Kind != "veth" || !a0.Ethernet || !a0.Up || !a0.Carrier || !a0.Broadcast || a0.Loopback || a0.MTU != 1500 || a0.RxQueues != 2 {
		t.Errorf("%+v", a0)
	}
	if a0.Master != br.Index || a0.Parent != 0 || br.Kind != "bridge" || br.Up || len(br.Addresses) != 0 {
		t.Errorf("%+v\n%+v", a0, br)
	}
	if !a0.Has(netip.MustParseAddr("198.51.100.1")) || a0.Has(netip.MustParseAddr("198.51.100.2")) {
		t.Error("Has is wrong")
	}
	if lo := p.look("lo"); !lo.Loopback || lo.MAC != [6]byte{} {
		t.Errorf("%+v", lo)
	}
	p.must(p.a.SetUp("a0", false))
	if a0 := p.look("a0"); a0.Up || a0.Carrier {
		t.Errorf("down: %+v", a0)
	}
	err := p.a.Do(func() error { _, err := netif.ByName("a9"); return err })
	if !errors.Is(err, netif.ErrNoInterface) {
		t.Errorf("error %v", err)
	}
}

func TestListSeesMACAsTheLinkDoes(t *testing.T) {
	p := newPair(t)
	mac := [6]byte{2, 1, 2, 3, 4, 5}
	p.must(p.a.Do(func() error {
		l, err := netlink.LinkByName("a0")
		if err != nil {
			return err
		}
		return netlink.LinkSetHardwareAddr(l, net.HardwareAddr(mac[:]))
	}))
	if got := p.look("a0").MAC; got != mac {
		t.Errorf("MAC %v", got)
	}
}

func TestEthtool(t *testing.T) {
	p := newPair(t)
	p.must(p.a.Do(func() error {
		d, err := netif.Ethtool("a0")
		if err != nil {
			return err
		}
		if d.Driver != "veth" || d.Queues != 2 {
			t.Errorf("%+v", d)
		}
		for _, take := range []bool{false, true} {
			if err := netif.TakeVLAN("a0", take); err == nil {
				if d, err = netif.Ethtool("a0"); err != nil || d.RxVLANTake != take {
					t.Errorf("asked to take VLAN tags: %v: %+v, %v", take, d, err)
				}
			}
		}
		if err := netif.TakeVLAN("a9", false); !errors.Is(err, unix.ENODEV) {
			t.Errorf("error %v", err)
		}
		return nil
	}))
}

// Each change of links and addresses is reported, a burst of them once, and one
// that nobody was looking for is not lost.
func TestWatch(t *testing.T) {
	p := newPair(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var changes <-chan struct{}
	var lost atomic.Uint64
	p.must(p.a.Do(func() (err error) { changes, err = netif.Watch(ctx, &lost); return err }))
	expect := func(what string) {
		t.Helper()
		select {
		case <-changes:
		case <-time.After(5 * time.Second):
			t.Fatalf("%s was not reported", what)
		}
	}
	quiet := func() { // the kernel's echoes of a change end
		for {
			select {
			case <-changes:
			case <-time.After(300 * time.Millisecond):
				return
			}
		}
	}
	quiet()
	for _, c := range []struct {
		what string
		do   func() error
	}{
		{"a new address", func() error { return p.a.Address("a0", "192.0.2.1/24") }},
		{"going down", func() error { return p.a.SetUp("a0", false) }},
		{"coming up", func() error { return p.a.SetUp("a0", true) }},
		{"a deletion", func() error { return p.a.Delete("a0") }},
		{"a new interface", func() error { return p.lab.Veth(p.a, "a1", p.b, "b1") }},
	} {
		p.must(c.do())
		expect(c.what)
		quiet()
	}
	for i := range 20 {
		p.must(p.a.SetUp("a1", i%2 == 0))
	}
	time.Sleep(300 * time.Millisecond)
	expect("a burst")
	cancel()
	for range changes { // ends
	}
	if n := lost.Load(); n != 0 {
		t.Errorf("counted %d losses", n)
	}
}

func TestNeighbours(t *testing.T) {
	p := newPair(t)
	p.must(p.a.Address("a0", "192.0.2.1/24"))
	p.must(p.b.Address("b0", "192.0.2.2/24"))
	var n *netif.Neighbours
	p.must(p.a.Do(func() (err error) { n, err = netif.OpenNeighbours(); return err }))
	index := p.look("a0").Index
	ip := frame.IP{192, 0, 2, 2}
	if _, ok := n.Lookup(index, ip); ok {
		t.Error("found before anybody asked")
	}
	p.must(p.a.Do(func() error { // any packet makes the kernel resolve
		c, err := net.Dial("udp4", "192.0.2.2:9")
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("x"))
		return err
	}))
	var b0 netif.Interface
	p.must(p.b.Do(func() (err error) { b0, err = netif.ByName("b0"); return err }))
	waitFor(t, func() bool { mac, ok := n.Lookup(index, ip); return ok && mac == b0.MAC })
	if _, ok := n.Lookup(index+1, ip); ok {
		t.Error("found on another interface")
	}
	p.must(p.a.SetUp("a0", false)) // flushes the table
	waitFor(t, func() bool { _, ok := n.Lookup(index, ip); return !ok })
	n.Close()
}

// Without CAP_NET_ADMIN, too, what the table already holds is known, and what
// changes.
func TestNeighboursNeedNoCapability(t *testing.T) {
	p := newPair(t)
	known := func(ip net.IP, mac string) error {
		a0, err := netlink.LinkByName("a0")
		if err != nil {
			return err
		}
		hw, err := net.ParseMAC(mac)
		if err != nil {
			return err
		}
		return netlink.NeighSet(&netlink.Neigh{LinkIndex: a0.Attrs().Index, State: netlink.NUD_PERMANENT, IP: ip, HardwareAddr: hw})
	}
	p.must(p.a.Do(func() error { return known(net.IP{192, 0, 2, 2}, "02:00:00:00:00:02") }))
	var n *netif.Neighbours
	p.must(p.a.Do(func() (err error) {
		h, none := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{}
		if err := unix.Capset(&h, &none[0]); err != nil { // of this thread, which ends here
			return err
		}
		n, err = netif.OpenNeighbours()
		return err
	}))
	defer n.Close()
	index := p.look("a0").Index
	if mac, ok := n.Lookup(index, frame.IP{192, 0, 2, 2}); !ok || mac != [6]byte{2, 0, 0, 0, 0, 2} {
		t.Errorf("known before: %v, %v", mac, ok)
	}
	p.must(p.a.Do(func() error { return known(net.IP{192, 0, 2, 3}, "02:00:00:00:00:03") }))
	waitFor(t, func() bool { _, ok := n.Lookup(index, frame.IP{192, 0, 2, 3}); return ok })
}

func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	for range 500 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("never happened")
}

// A veth sends what XDP redirects to it only while its far end can receive it.
func TestXDPSends(t *testing.T) {
	p := newPair(t)
	index := p.look("a0").Index
	var x *netif.XDPFeatures
	p.must(p.a.Do(func() (err error) { x, err = netif.OpenXDPFeatures(); return err }))
	defer x.Close()
	for _, far := range []string{"", "on", "off"} {
		if far != "" {
			if out, err := p.b.Output(context.Background(), "ethtool", "-K", "b0", "gro", far); err != nil {
				t.Fatalf("ethtool: %v %s", err, out)
			}
		}
		if got, err := x.Sends(index); err != nil || got != (far == "on") {
			t.Errorf("gro %q at the far end: %v, %v", far, got, err)
		}
	}
	if _, err := x.Sends(9999); !errors.Is(err, unix.ENODEV) {
		t.Errorf("no such interface: %v", err)
	}
}
