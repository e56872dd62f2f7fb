package ha

import (
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/leases"
)

// A backup that never answers costs bounded memory and no client's time: what
// does not fit its lanes is dropped and counted.
func TestHangingBackupIsBounded(t *testing.T) {
	k := newFakeKea(t)
	k.hang["lease4-update"], k.deaf = true, true
	conf := pairConfig("server1", "hot-standby", freePort(t), freePort(t))
	conf.Mode, conf.Peers = "passive-backup", []*config.Peer{conf.Peers[0], {Name: "server3", Addr: k.addr, Role: "backup"}}
	conf.MaxResponseDelay = time.Minute // else the timeout empties lanes on a slow machine
	n := startNode(t, conf)
	n.reach(PassiveBackup)
	const updates = lanesDefault*waitingMax + 20_000
	var b leases.Batch
	for i := range uint32(updates) {
		b.Query(i, 0)
		l := leases.Lease{Addr: addrOf(10<<24 + 1 + i), SubnetID: 2, HType: 1, HW: []byte{2, 0, byte(i >> 16), byte(i >> 8), byte(i)}, CLTT: time.Unix(1795288855, 0), ValidLft: 600}
		if _, err := n.store.Put(&b, &l); err != nil {
			t.Fatal(err)
		}
		if b.Len() == 64 {
			if n.Replicate(&b, func(*leases.Batch) {}) {
				t.Fatal("a client waits for a backup")
			}
			b.Reset()
		}
	}
	p := n.links[0].peers[0]
	if got := p.sent.dropped.Load(); got == 0 {
		t.Error("nothing was dropped")
	}
	for i, l := range p.lanes {
		l.mu.Lock()
		if got := len(l.waiting.items); got > waitingMax {
			t.Errorf("lane %d holds %d updates, at most %d", i, got, waitingMax)
		}
		l.mu.Unlock()
	}
}
