package ha

import (
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"time"

	"needletail/leases"
)

// A real Kea 2.2.0 in either seat, in both modes: what two servers go through
// together, without DHCP clients.
func TestInteropWithKea(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	for _, mode := range []string{"load-balancing", "hot-standby"} {
		for _, kea := range []string{"server1", "server2"} {
			t.Run(mode+"/kea-is-"+kea, func(t *testing.T) {
				t.Parallel()
				interop(t, mode, kea, false)
			})
		}
	}
}

// The same with a single-threaded Kea behind a kea-ctrl-agent.
func TestInteropBehindControlAgent(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	interop(t, "load-balancing", "server2", true)
}

func interop(t *testing.T, mode, keaName string, agent bool) {
	addrs := [2]netip.AddrPort{freePort(t), freePort(t)}
	normal, own := LoadBalancing, "server1"
	if mode == "hot-standby" {
		normal = HotStandby
	}
	if keaName == own {
		own = "server2"
	}
	conf := pairConfig(own, mode, addrs[0], addrs[1])
	conf.HeartbeatDelay, conf.SyncPageLimit = 300*time.Millisecond, 10
	k := newRealKea(t, keaName, mode, conf.Peers)
	k.agent = agent
	for i := range 25 { // three pages of a sync
		k.leases = append(k.leases, fmt.Sprintf("192.0.2.%d,02:00:00:00:01:%02x,,3600,%d,1,0,0,,0,", 10+i, i, time.Now().Unix()+3600))
	}
	store := testStore(t, "")
	(&node{t: t, store: store}).put("192.0.2.50", leases.Active, time.Now(), 50) // ours alone
	k.start()
	n := startNodeOn(t, store, conf) // beside it: alone for long it would not read its leases

	n.reach(normal)
	k.reach(normal)
	sameTables(t, n, k)
	updatesTravel(t, n, k)
	sameTables(t, n, k)
	maintain(t, n, k, normal)
	keaDies(t, n, k, normal)
	sameTables(t, n, k)
	needletailDies(t, n, k, normal)
}

// sameTables compares what both answer to lease4-get-all, key by key.
func sameTables(t *testing.T, n *node, k *realKea) {
	t.Helper()
	ours, theirs := n.table(t), k.table()
	if !maps.Equal(ours, theirs) {
		t.Errorf("lease tables differ:\nneedletail %v\nkea        %v", ours, theirs)
	}
}

func updatesTravel(t *testing.T, n *node, k *realKea) {
	t.Helper()
	for i := range 20 {
		if addr := fmt.Sprintf("192.0.2.%d", 100+i); !n.lease(addr, byte(100+i)) {
			t.Errorf("the update of %s was refused", addr)
		}
	}
	n.lease("192.0.2.100", 100) // a renewal
	if got := k.state("192.0.2.119"); got != 0 {
		t.Errorf("Kea has 192.0.2.119 in state %d", got)
	}
	n.relayed("192.0.2.103")
	n.decline("192.0.2.101")
	if got := k.state("192.0.2.101"); got != 1 {
		t.Errorf("a declined lease has state %d at Kea", got)
	}
	n.release("192.0.2.102")
	if got := k.state("192.0.2.102"); got != -1 {
		t.Errorf("a released lease has state %d at a Kea 2.2.0, which should delete it", got)
	}
	n.forget("192.0.2.102") // so that the tables can be compared
}

// relayed is a lease with everything a lease can have.
func (n *node) relayed(addr string) {
	var b leases.Batch
	b.Query(0, 0)
	l := leases.Lease{
		Addr: netip.MustParseAddr(addr), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 3, 0x84}, ClientID: []byte{1, 2, 0, 0, 0, 3, 0x84},
		CLTT: time.Unix(time.Now().Unix(), 0), ValidLft: 600, Hostname: "relayed.example.org.", FQDNFwd: true, FQDNRev: true,
		UserContext: leases.AppendRelayInfo(nil, []byte("\x01\x04eth7\x02\x08remote-A\x0c\x04rly1")),
	}
	if _, err := n.store.Put(&b, &l); err != nil {
		n.t.Fatal(err)
	}
	if !n.replicate(&b) {
		n.t.Error("a lease with user context was refused")
	}
}

func maintain(t *testing.T, n *node, k *realKea, normal State) {
	t.Helper()
	if a := n.ask(t, "ha-maintenance-start", nil); a.Result != 0 {
		t.Fatalf("ha-maintenance-start: %+v", a)
	}
	n.reach(PartnerInMaintenance)
	k.reach(InMaintenance)
	if a := n.ask(t, "ha-maintenance-cancel", nil); a.Result != 0 {
		t.Fatalf("ha-maintenance-cancel: %+v", a)
	}
	n.reach(normal)
	k.reach(normal)

	if a := k.ask("ha-maintenance-start", nil); a.Result != 0 {
		t.Fatalf("Kea's ha-maintenance-start: %+v", a)
	}
	n.reach(InMaintenance)
	if a := k.ask("ha-maintenance-cancel", nil); a.Result != 0 {
		t.Fatalf("Kea's ha-maintenance-cancel: %+v", a)
	}
	n.reach(normal)
	k.reach(normal)
}

func keaDies(t *testing.T, n *node, k *realKea, normal State) {
	t.Helper()
	k.kill()
	n.reach(PartnerDown)
	if got := n.filters.scope(0).Serve.Count(); got != 256 {
		t.Errorf("the survivor serves %d buckets, want all", got)
	}
	if !n.lease("192.0.2.150", 150) {
		t.Error("a lease in partner-down was refused")
	}
	n.put("192.0.2.151", leases.Released, time.Now(), 151) // a state that Kea 2.2.0 does not know
	k.start()
	k.reach(normal)
	n.reach(normal)
	if got := k.state("192.0.2.151"); got != int(leases.Reclaimed) {
		t.Errorf("Kea got a released lease in state %d, want expired-reclaimed", got)
	}
	if got := k.state("192.0.2.150"); got != 0 {
		t.Errorf("Kea came back without the lease of 192.0.2.150: state %d", got)
	}
}

func needletailDies(t *testing.T, n *node, k *realKea, normal State) {
	t.Helper()
	store, conf := n.store, n.links[0].conf
	n.Close()
	k.reach(PartnerDown)
	again := startNodeOn(t, store, conf)
	again.reach(normal)
	k.reach(normal)
	sameTables(t, again, k)
}
