package ha

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/internal/leasecmds"
	"needletail/internal/scope"
	"needletail/leases"
)

// filters stands for both filters: it keeps the scopes and counts nothing.
type filters struct {
	mu     sync.Mutex
	scopes map[int]scope.Scope
	counts scope.Unacked
}

func (f *filters) SetScope(i int, s scope.Scope) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.scopes == nil {
		f.scopes = map[int]scope.Scope{}
	}
	f.scopes[i] = s
}

func (f *filters) Unacked(int) scope.Unacked {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}

func (f *filters) scope(i int) scope.Scope {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.scopes[i]
}

// node is one server of a test: driver, store in memory, commands.
type node struct {
	*Driver
	t       testing.TB
	store   *leases.Store
	filters *filters
	reg     *control.Registry
}

// freePort returns a loopback address nobody listens on.
func freePort(t testing.TB) netip.AddrPort {
	for range 1000 {
		at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(10000+nextPort.Add(1)%20000))
		l, err := net.Listen("tcp", at.String())
		if err == nil {
			l.Close()
			return at
		}
	}
	t.Fatal("no free port")
	return netip.AddrPort{}
}

// nextPort deals each port once, below the range from which the kernel takes
// those of connections, so that nobody has it again before its test listens.
var nextPort atomic.Uint32

func init() { nextPort.Store(uint32(os.Getpid())) }

// pairConfig is a relationship between server1 and server2 as server `this`
// has it, with quick timers.
func pairConfig(this, mode string, a, b netip.AddrPort) *config.Relationship {
	second := "secondary"
	delayed := uint32(100)
	if mode == "hot-standby" {
		second, delayed = "standby", 0
	}
	return &config.Relationship{
		ThisServer: this, Mode: mode,
		Peers: []*config.Peer{
			{Name: "server1", URL: "http://" + a.String() + "/", Addr: a, Role: "primary", AutoFailover: true},
			{Name: "server2", URL: "http://" + b.String() + "/", Addr: b, Role: second, AutoFailover: true},
		},
		HeartbeatDelay: 100 * time.Millisecond, MaxResponseDelay: 2 * time.Second, MaxAckDelay: time.Second,
		MaxRejectedLeaseUpdates: 10, DelayedUpdatesLimit: delayed,
		SendLeaseUpdates: true, SyncLeases: true, SyncTimeout: 10 * time.Second, SyncPageLimit: 10000,
		RestrictCommands: true, MultiThreading: true, DedicatedListener: true,
	}
}

// testLog drops a node's log lines unless NEEDLETAIL_TEST_LOG is set.
func testLog(name string) *slog.Logger {
	if os.Getenv("NEEDLETAIL_TEST_LOG") == "" {
		return slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", name)
}

// testSubnets is what every node of the tests leases: 192.0.2.0/24 of the
// captures, and a wide one for many leases.
func testSubnets() []*config.Subnet {
	life := config.Lifetimes{Default: 600 * time.Second}
	return []*config.Subnet{
		{ID: 1, Prefix: netip.MustParsePrefix("192.0.2.0/24"), Lifetime: life},
		{ID: 2, Prefix: netip.MustParsePrefix("10.0.0.0/8"), Lifetime: life},
	}
}

func testNetworks() []leases.Network {
	addr := netip.MustParseAddr
	return []leases.Network{
		{Subnets: []leases.Subnet{{ID: 1, Prefix: netip.MustParsePrefix("192.0.2.0/24"),
			Pools: []leases.Pool{{First: addr("192.0.2.10"), Last: addr("192.0.2.189")}}}}},
		{Subnets: []leases.Subnet{{ID: 2, Prefix: netip.MustParsePrefix("10.0.0.0/8"),
			Pools: []leases.Pool{{First: addr("10.0.0.1"), Last: addr("10.31.255.254")}}}}},
	}
}

// strangeNetwork is one that the partner lacks.
var strangeNetwork = leases.Network{Subnets: []leases.Subnet{{ID: 9, Prefix: netip.MustParsePrefix("198.51.100.0/24")}}}

func testStore(t testing.TB, dir string) *leases.Store {
	s, err := leases.Open(context.Background(), leases.Options{Dir: dir, Log: testLog("store")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Configure(testNetworks()); err != nil {
		t.Fatal(err)
	}
	s.SetTimes(leases.Times{Affinity: time.Hour})
	return s
}

func startNode(t testing.TB, rs ...*config.Relationship) *node {
	return startNodeOn(t, testStore(t, ""), rs...)
}

func startNodeOn(t testing.TB, s *leases.Store, rs ...*config.Relationship) *node {
	n := &node{t: t, store: s, filters: new(filters), reg: control.NewRegistry()}
	conf := &config.Dhcp4{Subnets: testSubnets(), HA: rs, ParkedPacketLimit: 256, ParkedGiven: true}
	status := control.NewStatus()
	status.Register(n.reg)
	d, err := Start(Options{
		Config: conf, Store: n.store, Scopes: n.filters, Unacked: n.filters,
		Registry: n.reg, Status: status, Log: testLog(rs[0].ThisServer),
	})
	if err != nil {
		t.Fatal(err)
	}
	leasecmds.Register(n.reg, leasecmds.Options{Store: n.store, Config: func() *config.Dhcp4 { return conf }, Taking: d.Taking, HidesReleased: d.HidesReleased, FromStart: d.FromStart, Refuses: d.Refuses, Passed: d.Passed, RefusesDeletion: d.RefusesDeletion})
	n.Driver = d
	t.Cleanup(n.Close)
	return n
}

// status is what relationship i's machine says.
func (n *node) status(i int) (s Status) {
	n.do(func() { s = n.machine.Status(i, time.Now()) })
	return s
}

// waitFor polls until ok or the test is hopeless.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s: not within 30 s", what)
}

func (n *node) reach(want State) {
	n.t.Helper()
	waitFor(n.t, n.links[0].conf.ThisServer+" reaches "+want.String(), func() bool { return n.status(0).State == want })
}

// lease puts a lease into the node's store as its own client's and replicates
// it; it returns whether the reply may leave.
func (n *node) lease(addr string, mac byte) bool {
	n.t.Helper()
	var b leases.Batch
	b.Query(0, 0)
	_, err := n.store.Put(&b, &leases.Lease{
		Addr: netip.MustParseAddr(addr), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, mac},
		CLTT: time.Unix(time.Now().Unix(), 0), ValidLft: 600,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return n.replicate(&b)
}

// replicate sends b and waits; true if no query was refused.
func (n *node) replicate(b *leases.Batch) bool {
	done := make(chan bool, 1)
	if n.Replicate(b, func(b *leases.Batch) {
		ok := true
		for _, q := range b.Queries() {
			ok = ok && q.OK
		}
		done <- ok
	}) {
		return <-done
	}
	return true
}

func startPair(t testing.TB, mode string) (one, two *node) {
	a, b := freePort(t), freePort(t)
	return startNode(t, pairConfig("server1", mode, a, b)), startNode(t, pairConfig("server2", mode, a, b))
}

func TestPairReachesNormalState(t *testing.T) {
	for mode, normal := range map[string]State{"load-balancing": LoadBalancing, "hot-standby": HotStandby} {
		t.Run(mode, func(t *testing.T) {
			one, two := startPair(t, mode)
			one.reach(normal)
			two.reach(normal)
			if got := one.filters.scope(0).Serve.Count() + two.filters.scope(0).Serve.Count(); got != 256 {
				t.Errorf("both serve %d buckets together, want 256", got)
			}
		})
	}
}

func TestPairReplicatesAndFailsOver(t *testing.T) {
	one, two := startPair(t, "load-balancing")
	one.reach(LoadBalancing)
	two.reach(LoadBalancing)
	if !one.lease("192.0.2.20", 1) {
		t.Fatal("the update was refused")
	}
	if _, ok := two.store.Get(netip.MustParseAddr("192.0.2.20")); !ok {
		t.Fatal("the reply was let go before the partner had the lease")
	}
	two.Close()
	one.reach(PartnerDown)
	if got := one.filters.scope(0).Serve.Count(); got != 256 {
		t.Errorf("the survivor serves %d buckets, want all", got)
	}
	if !one.lease("192.0.2.21", 2) {
		t.Error("the survivor waits for nobody, and its reply was refused")
	}
	again := startNodeOn(t, two.store, two.links[0].conf)
	again.reach(LoadBalancing)
	one.reach(LoadBalancing)
	if _, ok := again.store.Get(netip.MustParseAddr("192.0.2.21")); !ok {
		t.Error("the sync missed a lease")
	}
}

// release turns the node's lease into a released one and replicates that.
func (n *node) release(addr string) {
	n.t.Helper()
	l, ok := n.store.Get(netip.MustParseAddr(addr))
	if !ok {
		n.t.Fatalf("no lease of %s", addr)
	}
	l.State, l.ValidLft = leases.Released, 0
	var b leases.Batch
	b.Query(0, 0)
	if _, err := n.store.Put(&b, &l); err != nil {
		n.t.Fatal(err)
	}
	if !n.replicate(&b) {
		n.t.Fatal("the release was refused")
	}
}

// forget deletes the node's lease and tells nobody.
func (n *node) forget(addr string) {
	var b leases.Batch
	n.store.Delete(&b, netip.MustParseAddr(addr))
	if err := commit(n.store, &b); err != nil {
		n.t.Fatal(err)
	}
}

// A filter's call has the machine look at once, waits for nothing, and may name
// a relationship that is gone.
func TestRecount(t *testing.T) {
	d := &Driver{links: []*link{{}}, reports: make(chan struct{}, 1)}
	for range 2 {
		d.Recount(0)
		d.Recount(1)
	}
	if len(d.reports) != 1 || !d.links[0].recount.Load() {
		t.Errorf("the loop is woken: %d, to recount: %v", len(d.reports), d.links[0].recount.Load())
	}
}
