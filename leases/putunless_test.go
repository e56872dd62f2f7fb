package leases

import (
	"net/netip"
	"testing"
	"time"
)

// PutUnless asks before it overwrites, and tells a query's unfinished change
// from one that a partner or an administrator has made.
func TestPutUnless(t *testing.T) {
	s, clock := table(t, Times{Offer: time.Minute},
		Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.4")}})
	var asked, ours bool
	put := func(a netip.Addr, refuse bool) bool {
		t.Helper()
		var b Batch
		asked = false
		l := Lease{Addr: a, SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, 9}, CLTT: clock.Now(), ValidLft: 60}
		done, err := s.PutUnless(&b, &l, func(have *Lease, own bool) bool { asked, ours = have.Addr == a, own; return refuse })
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	free := netip.MustParseAddr("192.0.2.4")
	if !put(free, true) || asked {
		t.Error("asked about a free address")
	}
	if put(free, true) || !asked || ours {
		t.Errorf("a partner's lease: asked %v, ours %v", asked, ours)
	}
	mine := lease(t, s, 1, nil, 600)
	if put(mine, true) || !asked || !ours {
		t.Errorf("a query's lease under way: asked %v, ours %v", asked, ours)
	}
	if !put(mine, false) || put(mine, true) || ours {
		t.Error("overwritten by the partner it is no longer the query's")
	}
}

// A query whose address went to another client before its change was settled
// is not answered; one whose own client did more is.
func TestSettleOvertaken(t *testing.T) {
	s, clock := table(t, Times{Offer: time.Minute},
		Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.4")}})
	for _, c := range []struct {
		name    string
		another byte // last byte of the hardware address that the partner's update has
		state   State
		ok      bool
	}{
		{"another client's", 9, Active, false},
		{"its own", 1, Active, true},
		{"declined since", 0, Declined, true},
	} {
		var b, theirs Batch
		b.Query(0, 0)
		who := NewClient(1, []byte{2, 0, 0, 0, 0, 1}, nil)
		a := netip.MustParseAddr("192.0.2.1")
		tx := s.Begin(0)
		err := tx.Commit(&b, a, &who, &Grant{CLTT: clock.Now().Unix(), ValidLft: 60})
		tx.End()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		l := Lease{Addr: a, SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, c.another}, CLTT: clock.Now(), ValidLft: 60, State: c.state}
		if _, err := s.Put(&theirs, &l); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		s.Settle(&b)
		if ok := b.Queries()[0].OK; ok != c.ok {
			t.Errorf("the address is %s: answered %v, want %v", c.name, ok, c.ok)
		}
		s.Delete(&theirs, a)
	}
}
