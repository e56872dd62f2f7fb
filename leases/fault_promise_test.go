package leases

import (
	"net/netip"
	"testing"
	"time"
)

// Two workers' batches may reach the disk in the other order.
func TestOlderBatchArrivesLater(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 1)
	who := testClient(2)
	var first, second Batch
	tx := r.s.Begin(0)
	v, _ := tx.Allocate(0, nil, &who, netip.Addr{}, r.clock.now.Unix())
	tx.Commit(&first, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix(), ValidLft: 60})
	tx.Commit(&second, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix() + 5, ValidLft: 600})
	tx.End()
	r.commit(&second)
	r.commit(&first)
	r.s.Close()
	again := openFault(t, d.crash(r.rng), r.clock)
	defer again.Close()
	if l, _ := again.Get(v.Addr); l.ValidLft != 600 {
		t.Errorf("the older change won: %+v", l)
	}
}

// A query that the partner refused leaves a lease that is not durable.
func TestRefusedIsNotDurable(t *testing.T) {
	r := newFaultRun(t, newFaultDisk(), 1)
	defer r.s.Close()
	var b Batch
	var addrs []netip.Addr
	for i := range 2 {
		who := testClient(2 * (i + 1))
		b.Query(uint32(i), 0)
		tx := r.s.Begin(0)
		v, _ := tx.Allocate(0, nil, &who, netip.Addr{}, r.clock.now.Unix())
		tx.Commit(&b, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix(), ValidLft: 60})
		tx.End()
		addrs = append(addrs, v.Addr)
	}
	b.Refuse(1)
	r.commit(&b)
	tx := r.s.Begin(0)
	defer tx.End()
	for i, want := range []bool{true, false} {
		if v, _ := tx.At(addrs[i], nil); v.Durable != want {
			t.Errorf("query %d: durable %v, want %v", i, v.Durable, want)
		}
	}
}

// The older of two changes of a lease says nothing about the newer one.
func TestOlderBatchDoesNotMakeDurable(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 1)
	defer r.s.Close()
	who := testClient(2)
	var first, second Batch
	tx := r.s.Begin(0)
	v, _ := tx.Allocate(0, nil, &who, netip.Addr{}, r.clock.now.Unix())
	tx.Commit(&first, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix(), ValidLft: 60})
	tx.Commit(&second, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix() + 5, ValidLft: 600})
	tx.End()
	r.commit(&first)
	if v := r.view(v.Addr); v.Durable {
		t.Error("durable while its newer change is in flight")
	}
	fails := d.calls + 1
	d.mu.Lock()
	d.fail = func(call int) bool { return call == fails }
	d.mu.Unlock()
	if err := r.commit(&second); err == nil {
		t.Error("no failure was injected")
	}
	if v := r.view(v.Addr); v.Durable {
		t.Error("durable after its commit failed")
	}
	tx = r.s.Begin(0)
	tx.Commit(&first, v.Addr, &who, &Grant{CLTT: r.clock.now.Unix() + 6, ValidLft: 600})
	tx.End()
	r.commit(&first)
	if v := r.view(v.Addr); !v.Durable {
		t.Error("not durable after the next renewal was committed")
	}
}

// A renewal for a shorter time whose commit fails takes nothing from the client:
// it was not told.
func TestFailedRenewalShortensNothing(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 1)
	defer r.s.Close()
	var b Batch
	a, who := ip("192.0.2.11"), testClient(2)
	r.grant(&b, a, &who, 86400)
	r.commit(&b)
	r.grant(&b, a, &who, 60)
	r.commitFails(d, &b)
	r.clock.now = r.clock.now.Add(61 * time.Second)
	if r.free(a) {
		t.Error("given away after a renewal for a shorter time failed")
	}
	moved := testSubnet(1, "192.0.2.0/24", "192.0.2.10", "192.0.2.20")
	if err := r.s.Configure([]Network{{Subnets: []Subnet{moved}}}); err != nil {
		t.Fatal(err)
	}
	if r.free(a) {
		t.Error("given away after the pool was changed")
	}
	l, _ := r.s.Get(a)
	l.CLTT, l.ValidLft = r.clock.now, 30
	if _, err := r.s.Put(&b, &l); err != nil {
		t.Fatal(err)
	}
	r.commitFails(d, &b)
	r.clock.now = r.clock.now.Add(31 * time.Second)
	if r.free(a) {
		t.Error("given away after a partner's update for a shorter time failed")
	}
	r.grant(&b, a, &who, 60)
	if err := r.commit(&b); err != nil {
		t.Fatal(err)
	}
	r.clock.now = r.clock.now.Add(61 * time.Second)
	if !r.free(a) {
		t.Error("held although a shorter time was told and is over")
	}
}

// A client that moves to another address has the first one until it is told of
// the other.
func TestFailedMoveLeavesNothing(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 1)
	var b Batch
	a, to, who := ip("192.0.2.11"), ip("192.0.2.12"), testClient(2)
	r.grant(&b, a, &who, 3600)
	r.commit(&b)
	move := func() {
		r.grant(&b, to, &who, 3600)
		tx := r.s.Begin(0)
		defer tx.End()
		if !tx.Leave(&b, a) {
			t.Error("no lease to leave")
		}
	}
	move()
	if r.free(a) {
		t.Error("given away while the move is in flight")
	}
	r.commitFails(d, &b)
	if r.free(a) {
		t.Error("given away after the move failed")
	}
	d.mend() // all that was written is on the disk after all
	again := openFault(t, d.crash(r.rng), r.clock)
	if _, ok := again.Get(a); !ok {
		t.Error("gone from the disk after the move failed")
	}
	again.Close()
	move()
	if err := r.commit(&b); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.s.Get(a); ok || !r.free(a) {
		t.Error("not free after the move")
	}
	r.s.Close()
	again = openFault(t, d.crash(r.rng), r.clock)
	defer again.Close()
	if _, ok := again.Get(a); ok {
		t.Error("back from the disk after the move")
	}
}
