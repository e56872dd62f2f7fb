package suite

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
	"needletail/bench/share"
	"needletail/internal/netif/nettest"
)

// The network of every measurement. It exists only inside the run's
// namespaces.
var (
	network   = netip.MustParsePrefix("10.0.0.0/8")
	poolFirst = netip.MustParseAddr("10.16.0.0")
	poolLast  = netip.MustParseAddr("10.143.255.255") // as many addresses as a generator has clients
	serverAt  = [2]netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}
	generator = netip.MustParseAddr("10.0.0.9")
)

const (
	genIf    = "gen0"
	serverIf = "srv0"
)

// A site is a generator and one or two servers, wired up.
type site struct {
	lab     *nettest.Lab
	gen     *nettest.Namespace
	servers []*nettest.Namespace
	running []*nettest.Process
	dirs    []string
	mac     [6]byte // of the first server
	own     [6]byte
	link    load.Link
	mode    string
	driver  string
	version string               // of the servers
	active  string               // how they receive
	only    func(id []byte) bool // clients that take part; nil: all
	peer    *peer.Peer           // on all servers; without limits before one runs
	begin   func() error         // starts the servers and waits until they serve as asked
	held    *share.Group         // of all servers; nil: they have all processors
	closers []func() error
}

// stage makes the namespaces of a generator and so many servers and has wire do
// the rest. If that fails nothing is left.
func stage(servers int, wire func(*site) error) (*site, error) {
	st := &site{lab: nettest.Open(), peer: &peer.Peer{}}
	err := st.populate(servers)
	if err == nil {
		err = wire(st)
	}
	if err != nil {
		st.close()
		return nil, err
	}
	return st, nil
}

func (st *site) populate(servers int) (err error) {
	if st.gen, err = st.lab.Namespace("gen"); err != nil {
		return err
	}
	for i := range servers {
		ns, err := st.lab.Namespace(fmt.Sprintf("srv%d", i+1))
		if err != nil {
			return err
		}
		st.servers = append(st.servers, ns)
	}
	return nil
}

// newSite wires a generator to one server directly, by a link of so many
// queues.
func newSite(ctx context.Context, medium load.Medium, relays []netip.Addr, queues int) (*site, error) {
	return stage(1, func(st *site) error {
		if err := st.lab.Veth(st.gen, genIf, st.servers[0], serverIf, queues); err != nil {
			return err
		}
		if err := st.address(relays); err != nil {
			return err
		}
		if err := st.takeLive(ctx); err != nil {
			return err
		}
		return st.open(medium, queues)
	})
}

// address gives both ends their addresses; a relay's is one of the generator.
func (st *site) address(relays []netip.Addr) error {
	for i, srv := range st.servers {
		if err := srv.Address(serverIf, fmt.Sprintf("%s/%d", serverAt[i], network.Bits())); err != nil {
			return err
		}
	}
	for _, a := range append([]netip.Addr{generator}, relays...) {
		if err := st.gen.Address(genIf, fmt.Sprintf("%s/%d", a, network.Bits())); err != nil {
			return err
		}
	}
	return nil
}

// open makes the generator's link and reads the hardware addresses.
func (st *site) open(medium load.Medium, queues int) error {
	if err := st.servers[0].Do(func() error { return hardware(serverIf, &st.mac) }); err != nil {
		return err
	}
	return st.gen.Do(func() error {
		if err := hardware(genIf, &st.own); err != nil {
			return err
		}
		st.driver = record.Driver(genIf)
		l, err := load.Open(genIf, medium, queues)
		if err != nil {
			return err
		}
		st.link, st.mode, st.closers = l, l.Mode(), append(st.closers, l.Close)
		return nil
	})
}

func hardware(ifname string, mac *[6]byte) error {
	ifi, err := net.InterfaceByName(ifname)
	if err != nil {
		return err
	}
	copy(mac[:], ifi.HardwareAddr)
	return nil
}

// start runs a peer on server i.
func (st *site) start(s *Suite, p *peer.Peer, setup *peer.Setup, i int) error {
	dir, err := s.room(fmt.Sprintf("%s-%d", p.Name, i+1))
	if err != nil {
		return err
	}
	st.removeLater(dir)
	return st.startIn(p, setup, i, dir)
}

func (st *site) removeLater(dir string) {
	st.closers = append(st.closers, func() error { return os.RemoveAll(dir) })
}

// startIn runs a peer on server i with its files in dir, which it may have
// used before.
func (st *site) startIn(p *peer.Peer, setup *peer.Setup, i int, dir string) error {
	proc, err := p.Start(st.servers[i], setup, dir)
	if err != nil {
		return err
	}
	if st.held != nil {
		if err := st.held.Add(proc.Cmd.Process.Pid); err != nil {
			proc.Stop()
			return err
		}
	}
	for len(st.running) <= i {
		st.running, st.dirs = append(st.running, nil), append(st.dirs, "")
	}
	st.running[i], st.dirs[i], st.peer = proc, dir, p
	if st.version == "" {
		st.version = p.Version()
	}
	return nil
}

// hold gives the servers that start from now on no more than so many processors.
func (st *site) hold(processors float64) (err error) {
	if st.held, err = share.New("needletail-bench", processors); err != nil {
		return err
	}
	st.closers = append(st.closers, st.held.Close)
	return nil
}

func (st *site) pids() []int {
	var out []int
	for _, p := range st.running {
		out = append(out, p.Cmd.Process.Pid)
	}
	return out
}

// probes is how many clients ready asks for.
const probes = 64

// config is what the generator needs to know of the site.
func (st *site) config(clients int, relays []netip.Addr) load.Config {
	if st.peer.Pool > 0 {
		clients = min(clients, int(st.peer.Pool)-probes)
	}
	return load.Config{
		Clients: clients, Broadcast: st.peer.Broadcast, Mix: load.Mix{load.DORA: 1}, Rate: 1000, Duration: time.Second, Timeout: time.Second,
		ClientID: true, Server: serverAt[0], ServerMAC: st.mac, OwnMAC: st.own, Relays: relays, Only: st.only,
	}
}

// ready waits until the servers answer: a handful of clients of their own
// salt must all be served.
func (st *site) ready(ctx context.Context, limit time.Duration, relays []netip.Addr) error {
	cfg := st.config(probes, relays)
	cfg.Salt, cfg.Rate, cfg.Duration, cfg.Timeout = 0xee, 1000, 16*time.Millisecond, 200*time.Millisecond
	for end := time.Now().Add(limit); ; {
		g, err := load.New(cfg, st.link)
		if err != nil {
			return err
		}
		r, err := g.Run(ctx)
		if err != nil {
			return err
		}
		if r.Failed == 0 && r.Completed > 0 {
			return nil
		}
		for i, p := range st.running {
			select {
			case <-p.Done():
				return fmt.Errorf("server %d ended:\n%s", i+1, tail(st.dirs[i]))
			default:
			}
		}
		if time.Now().After(end) {
			return fmt.Errorf("no server answers after %v:\n%s", limit, tail(st.dirs[0]))
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// receivingLimit bounds the wait for a fast path: a server answers through
// kernel sockets before it is attached, and longest with many subnets.
const receivingLimit = 30 * time.Second

// receiving waits until all servers receive in the way their setup asks for,
// since what is measured before that is another contender.
func (st *site) receiving(ctx context.Context, p *peer.Peer, setup *peer.Setup) error {
	ctx, stop := context.WithTimeout(ctx, receivingLimit)
	defer stop()
	for i, dir := range st.dirs {
		how, err := p.Receives(ctx, setup, dir)
		if err != nil {
			return fmt.Errorf("%s, server %d: %w\n%s", p.Name, i+1, err, tail(dir))
		}
		st.active = how
	}
	return nil
}

// anew ends the servers and starts them without leases.
func (st *site) anew() error {
	st.stop()
	for _, dir := range st.dirs { // a disk that holds the leases of ten runs is another one
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove what a server left: %w", err)
		}
	}
	return st.begin()
}

func (st *site) stop() {
	for i := len(st.running) - 1; i >= 0; i-- {
		if st.running[i] != nil {
			st.running[i].Stop()
		}
	}
}

func (st *site) close() error {
	var errs []error
	st.stop()
	for i := len(st.closers) - 1; i >= 0; i-- {
		errs = append(errs, st.closers[i]())
	}
	return errors.Join(append(errs, st.lab.Close())...)
}
