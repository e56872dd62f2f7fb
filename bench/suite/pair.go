package suite

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/internal/netif/nettest"
	"needletail/internal/rfc3074"
)

// newPairSite joins a generator and two servers by a bridge, with a link of
// their own between the servers.
func newPairSite(ctx context.Context, medium load.Medium) (*site, error) {
	return stage(2, func(st *site) error {
		sw, err := st.lab.Namespace("switch")
		if err != nil {
			return err
		}
		if err := st.wire(ctx, sw); err != nil {
			return err
		}
		if err := st.address(nil); err != nil {
			return err
		}
		return st.open(medium, 1)
	})
}

// newHalfSite wires a generator to the first of two servers, which has a link
// to the other. Only clients in the first one's scope take part.
func newHalfSite(ctx context.Context, medium load.Medium) (*site, error) {
	return stage(2, func(st *site) error {
		st.only = func(id []byte) bool { return served(rfc3074.Hash(id)) }
		if err := st.lab.Veth(st.gen, genIf, st.servers[0], serverIf, 1); err != nil {
			return err
		}
		if err := st.lab.Veth(st.gen, "aside0", st.servers[1], serverIf, 1); err != nil { // nobody uses it
			return err
		}
		if err := st.join(); err != nil {
			return err
		}
		if err := st.address(nil); err != nil {
			return err
		}
		if err := st.takeLive(ctx); err != nil {
			return err
		}
		return st.open(medium, 1)
	})
}

// takeLive lets the server's end of a veth pair take frames that were made in
// the kernel, also where the server has no XDP program there.
func (st *site) takeLive(ctx context.Context) error {
	if out, err := st.servers[0].Output(ctx, "ethtool", "-K", serverIf, "gro", "on"); err != nil {
		return fmt.Errorf("turn on GRO (is ethtool installed?): %w: %s", err, out)
	}
	return nil
}

// haLink is the link between the servers.
var haLink = [2]netip.Addr{netip.MustParseAddr("192.168.77.1"), netip.MustParseAddr("192.168.77.2")}

func (st *site) wire(ctx context.Context, sw *nettest.Namespace) error {
	if out, err := sw.Output(ctx, "ip", "link", "add", "br0", "type", "bridge"); err != nil {
		return fmt.Errorf("make the bridge: %w: %s", err, out)
	}
	ends := []struct {
		ns       *nettest.Namespace
		own, far string
	}{{st.gen, genIf, "p0"}, {st.servers[0], serverIf, "p1"}, {st.servers[1], serverIf, "p2"}}
	for _, e := range ends {
		if err := st.lab.Veth(e.ns, e.own, sw, e.far, 1); err != nil {
			return err
		}
		if out, err := sw.Output(ctx, "ip", "link", "set", e.far, "master", "br0"); err != nil {
			return fmt.Errorf("plug %s into the bridge: %w: %s", e.far, err, out)
		}
	}
	if err := sw.SetUp("br0", true); err != nil {
		return err
	}
	return st.join()
}

// join links the two servers.
func (st *site) join() error {
	if err := st.lab.Veth(st.servers[0], "ha0", st.servers[1], "ha0", 1); err != nil {
		return err
	}
	for i, ns := range st.servers {
		if err := ns.Address("ha0", haLink[i].String()+"/24"); err != nil {
			return err
		}
	}
	return nil
}

// pairSetup makes server i of a load-balanced pair out of a setup.
func pairSetup(base peer.Setup, i int) *peer.Setup {
	base.Server = serverAt[i]
	base.HA = &peer.Pair{
		Index: i, Delay: time.Second, Dead: 10 * time.Second, Ack: 2 * time.Second, Unacked: 10,
		URLs: [2]string{"http://" + haLink[0].String() + ":8001/", "http://" + haLink[1].String() + ":8001/"},
	}
	return &base
}

// startPair runs a peer on both servers.
func (st *site) startPair(s *Suite, p *peer.Peer, base peer.Setup) error {
	for i := range st.servers {
		if err := st.start(s, p, pairSetup(base, i), i); err != nil {
			return err
		}
	}
	return nil
}
