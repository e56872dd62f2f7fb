package ha

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"needletail/internal/config"
)

// backupConfig adds a backup at an address to a relationship.
func withBackup(t *testing.T, r *config.Relationship) *config.Relationship {
	at := freePort(t)
	r.Peers = append(r.Peers, &config.Peer{Name: "server3", URL: "http://" + at.String() + "/", Addr: at, Role: "backup"})
	return r
}

// A Kea is the backup of a needletail: it gets every lease, and with
// wait-backup-ack no client is answered before it has.
func TestKeaIsBackup(t *testing.T) {
	conf := withBackup(t, pairConfig("server1", "hot-standby", freePort(t), freePort(t)))
	conf.Mode, conf.WaitBackupAck = "passive-backup", true
	conf.Peers = []*config.Peer{conf.Peers[0], conf.Peers[2]}
	k := newRealKea(t, "server3", "passive-backup", conf.Peers)
	k.start()
	k.reach(Backup)
	n := startNode(t, conf)
	n.reach(PassiveBackup)
	if !n.lease("192.0.2.20", 1) {
		t.Error("the update was refused")
	}
	if got := k.state("192.0.2.20"); got != 0 {
		t.Errorf("the client was answered and Kea has state %d", got)
	}
	n.release("192.0.2.20")
	if got := k.state("192.0.2.20"); got != -1 {
		t.Errorf("released, and Kea has state %d", got)
	}
	k.kill()
	if n.lease("192.0.2.21", 2) {
		t.Error("a client was answered although the backup did not acknowledge")
	}
	n.reach(PassiveBackup)
}

// Without wait-backup-ack nobody waits for a backup, dead or alive, and it
// moves no state.
func TestBackupIsNotAwaited(t *testing.T) {
	a, b := freePort(t), freePort(t)
	conf := withBackup(t, pairConfig("server1", "hot-standby", a, b))
	other := *conf
	other.ThisServer = "server2"
	third := *conf
	third.ThisServer = "server3"
	n, standby := startNode(t, conf), startNode(t, &other)
	n.reach(HotStandby)
	standby.reach(HotStandby)
	if !n.lease("192.0.2.20", 1) {
		t.Error("an absent backup stops clients")
	}
	backup := startNode(t, &third)
	backup.reach(Backup)
	if !n.lease("192.0.2.21", 2) {
		t.Error("the update was refused")
	}
	waitFor(t, "the backup has the lease", func() bool {
		_, ok := backup.store.Get(netip.MustParseAddr("192.0.2.21"))
		return ok
	})
	n.reach(HotStandby)
	if a := backup.ask(t, "ha-sync", arguments{"server-name": "server1"}); a.Result != 0 {
		t.Errorf("ha-sync of the backup: %+v", a)
	}
	if got := len(backup.store.All(1)); got != 2 {
		t.Errorf("after ha-sync the backup has %d leases, want 2", got)
	}
}

// meet has a Kea read one lease in a sync and take another one as an update.
func meet(t *testing.T, n *node, k *realKea) {
	t.Helper()
	n.lease("192.0.2.20", 1)
	k.start()
	n.reach(LoadBalancing)
	k.reach(LoadBalancing)
	if !n.lease("192.0.2.21", 2) {
		t.Error("the update was refused")
	}
}

// TLS with certificates on both sides, and passwords, between a needletail and
// a Kea: updates and a sync in both directions.
func TestInteropOverTLS(t *testing.T) {
	ca := newAuthority(t)
	conf := secure(pairConfig("server1", "load-balancing", freePort(t), freePort(t)), ca.issue("server1"), ca.issue("server2"))
	k := newRealKea(t, "server2", "load-balancing", conf.Peers)
	files := conf.Peers[1].TLS
	k.extra = fmt.Sprintf(`"trust-anchor": %q, "cert-file": %q, "key-file": %q,`, files.TrustAnchor, files.CertFile, files.KeyFile)
	n := startNode(t, conf)
	meet(t, n, k)
	for _, addr := range []string{"192.0.2.20", "192.0.2.21"} {
		if got := k.state(addr); got != 0 {
			t.Errorf("Kea has %s in state %d", addr, got)
		}
	}
}

// sixPort is freePort for IPv6.
func sixPort(t *testing.T) netip.AddrPort {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6: ", err)
	}
	l.Close()
	return netip.AddrPortFrom(netip.IPv6Loopback(), freePort(t).Port())
}

// Two servers speak over IPv6, in whose Host header a Kea writes no brackets: a
// needletail with a Kea, and with another one.
func TestInteropOverIPv6(t *testing.T) {
	conf := pairConfig("server1", "load-balancing", sixPort(t), sixPort(t))
	k := newRealKea(t, "server2", "load-balancing", conf.Peers)
	n := startNode(t, conf)
	meet(t, n, k)
	sameTables(t, n, k)
}

func TestPairOverIPv6(t *testing.T) {
	a, b := sixPort(t), sixPort(t)
	one, two := startNode(t, pairConfig("server1", "load-balancing", a, b)), startNode(t, pairConfig("server2", "load-balancing", a, b))
	one.reach(LoadBalancing)
	two.reach(LoadBalancing)
	if !one.lease("192.0.2.20", 1) {
		t.Error("the update was refused")
	}
	if _, there := two.store.Get(netip.MustParseAddr("192.0.2.20")); !there {
		t.Error("the reply was let go before the partner had the lease")
	}
}

// A backup may synchronise from a server that serves alone (ha-sync at the
// backup). That tells nothing of what the partner has read, and no client waits
// for a partner that is not there.
func TestBackupSyncsFromSurvivor(t *testing.T) {
	a, b := freePort(t), freePort(t)
	conf := withBackup(t, pairConfig("server1", "hot-standby", a, b))
	third := *conf
	third.ThisServer = "server3"
	n, backup := startNode(t, conf), startNode(t, &third)
	n.reach(PartnerDown)
	n.lease("192.0.2.20", 1)
	owes := func() (owes bool) {
		n.do(func() { owes = n.machine.rels[0].owes() })
		return owes
	}
	if !owes() {
		t.Fatal("a lease given alone is not owed to the partner")
	}
	if a := n.ask(t, openName, arguments{"server-name": "server3"}); a.Result != 0 {
		t.Fatal(a)
	}
	if !n.lease("192.0.2.21", 2) {
		t.Error("a client waits for the dead partner while the backup synchronises")
	}
	if a := n.ask(t, pageName, arguments{"server-name": "server2", "limit": 1}); a.Result == 0 {
		t.Error("the backup's sync is the partner's")
	}
	n.ask(t, "dhcp-disable", arguments{"origin-id": 2000}) // as a Kea does
	n.ask(t, "ha-sync-complete-notify", arguments{"server-name": "server3", "origin-id": 2000})
	if !owes() || !n.filters.scope(0).Enabled {
		t.Errorf("after a backup's sync the partner is owed leases: %v; clients are served: %v", owes(), n.filters.scope(0).Enabled)
	}
	if a := backup.ask(t, "ha-sync", arguments{"server-name": "server1"}); a.Result != 0 {
		t.Error(a)
	}
	if _, ok := backup.store.Get(netip.MustParseAddr("192.0.2.21")); !ok {
		t.Error("the backup lacks a lease after its sync")
	}
	if !owes() {
		t.Error("a backup's whole sync settles what the partner is owed")
	}
}
