package ha

import (
	"net/netip"
	"testing"

	"needletail/leases"
)

// The changes of one query are queued together or not at all, so that no seal
// comes between them: beyond the limit none of them is.
func TestBacklogKeepsAQueryTogether(t *testing.T) {
	m, _ := New([]Settings{pair(ModeLoadBalancing)[0]}, t0)
	l, b := &link{machine: m}, m.Backlog(0)
	var batch leases.Batch
	store := testStore(t, "")
	for i, addr := range []string{"192.0.2.20", "192.0.2.21"} {
		if _, err := store.Put(&batch, &leases.Lease{Addr: netip.MustParseAddr(addr), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, byte(i)}, CLTT: t0, ValidLft: 600}); err != nil {
			t.Fatal(err)
		}
	}
	if b.stop(); l.queue(batch.Changes()) {
		t.Error("a closed backlog takes changes")
	}
	b.start(3)
	for range 2 {
		if !l.queue(batch.Changes()) {
			t.Error("an open backlog refuses changes")
		}
	}
	if b.Len() != 2 || !b.Overflowed() {
		t.Errorf("twice two changes, limit 3: %d queued, overflowed %v", b.Len(), b.Overflowed())
	}
}

// A drain left over from an earlier outage leaves the queue of the next one
// alone, empty or not.
func TestStaleDrain(t *testing.T) {
	var b Backlog
	b.start(10)
	old := b.Drain()
	b.stop()
	if b.start(10); old.Seal() || !b.Push(Update{}, Update{}) {
		t.Error("sealed the next outage's backlog")
	}
	if old.Drop(1); old.Peek(make([]Update, 2)) != 0 || b.Len() != 2 {
		t.Errorf("took from the next outage's backlog, of 2 updates %d are left", b.Len())
	}
	now := b.Drain()
	if now.Drop(now.Peek(make([]Update, 2))); !now.Seal() {
		t.Error("its own drain does not seal it")
	}
}
