package leases

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Subnets of the tests: inner lies in outer, each with pools of its own.
func outerNet(id uint32, pools ...string) Network {
	return Network{Subnets: []Subnet{testSubnet(id, "10.0.0.0/8", pools...)}}
}

func innerNet(id uint32, pools ...string) Network {
	return Network{Subnets: []Subnet{testSubnet(id, "10.1.0.0/16", pools...)}}
}

func otherNet(id uint32) Network {
	return Network{Subnets: []Subnet{testSubnet(id, "198.51.100.0/24", "198.51.100.1", "198.51.100.9")}}
}

// Subnets that contain one another change their ids, prefixes and pools, by a
// restart and by a reload: each address stays its client's and nobody else's, is
// one lease, and is shown in the subnet that could give it to somebody.
func TestNestedSubnets(t *testing.T) {
	outer, inner := []string{"10.0.0.1", "10.0.0.9"}, []string{"10.1.0.1", "10.1.0.9"}
	both := []Network{outerNet(1, outer...), innerNet(2, inner...)}
	shiftedBoth := []Network{otherNet(1), outerNet(2, outer...), innerNet(3, inner...)}
	swapped := []Network{innerNet(1, inner...), outerNet(2, outer...)}
	alone := []Network{outerNet(1, outer...)}
	for _, c := range []struct {
		name          string
		before, after []Network
		lease         string // subnet/address
		home          string // after
		network       int    // of home, in after
		checks        LeaseChecks
		disk          string // after; "": as recorded
	}{
		{"an id of the inner one becomes the outer one's", both, shiftedBoth, "2/10.1.0.1", "3/10.1.0.1", 2, ChecksWarn, ""},
		{"the same, mended", both, shiftedBoth, "2/10.1.0.1", "3/10.1.0.1", 2, ChecksFix, "3/10.1.0.1"},
		{"the same, strays deleted", both, shiftedBoth, "2/10.1.0.1", "3/10.1.0.1", 2, ChecksDel, "3/10.1.0.1"},
		{"an id of the outer one becomes another's", both, shiftedBoth, "1/10.0.0.1", "2/10.0.0.1", 1, ChecksWarn, ""},
		{"ids exchanged, inner", both, swapped, "2/10.1.0.1", "1/10.1.0.1", 0, ChecksWarn, ""},
		{"ids exchanged, outer", both, swapped, "1/10.0.0.1", "2/10.0.0.1", 1, ChecksNone, ""},
		{"an address outside pools keeps the id it is recorded under", both, swapped, "2/10.1.7.7", "2/10.1.7.7", 1, ChecksFix, ""},
		{"an inner subnet is added", alone, both, "1/10.1.0.1", "2/10.1.0.1", 1, ChecksWarn, ""},
		{"the inner subnet is removed", both, alone, "2/10.1.0.1", "1/10.1.0.1", 0, ChecksFix, "1/10.1.0.1"},
		{"a pool moves inwards", []Network{outerNet(1, append(outer, inner...)...), innerNet(2)}, both, "1/10.1.0.1", "2/10.1.0.1", 1, ChecksWarn, ""},
		{"a pool moves outwards", both, []Network{outerNet(1, append(outer, inner...)...), innerNet(2)}, "2/10.1.0.1", "1/10.1.0.1", 0, ChecksWarn, ""},
	} {
		for _, reload := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s reload=%t", c.name, reload), func(t *testing.T) {
				o := Options{Dir: t.TempDir(), Durability: OS, ReserveBytes: 1 << 20, Clock: &fakeClock{time.Unix(1_700_000_000, 0)}, Log: quiet}
				s := openWith(t, o, ChecksWarn, c.before)
				id, addr := split(t, c.lease)
				writeLease(t, s, id, addr)
				if reload {
					s.SetLeaseChecks(c.checks)
					if err := s.Configure(c.after); err != nil {
						t.Fatal(err)
					}
				} else {
					s.Close()
					s = openWith(t, o, c.checks, c.after)
				}
				if got := shown(s); got != c.home {
					t.Errorf("leases %s, want %s", got, c.home)
				}
				if n := len(s.Page(ip("0.0.0.0"), 9)); n != 1 {
					t.Errorf("%d leases by page", n)
				}
				if offered(s, c.network, 9, addr) {
					t.Error("somebody else may have the address")
				}
				for i := range 9 { // as many as the pool has
					if v, ok := allocated(s, c.network, 100+i); ok && v == addr {
						t.Error("somebody else was given the address")
					}
				}
				if !offered(s, c.network, 1, addr) {
					t.Error("the address is kept from its client")
				}
				if got := strings.Join(recorded(t, s), " "); got != cmp.Or(c.disk, c.lease) {
					t.Errorf("on disk: %s, want %s", got, cmp.Or(c.disk, c.lease))
				}
			})
		}
	}
}

// split takes subnet/address apart, and shown writes all leases so.
func split(t *testing.T, at string) (id uint32, addr string) {
	t.Helper()
	if _, err := fmt.Sscanf(strings.Replace(at, "/", " ", 1), "%d %s", &id, &addr); err != nil {
		t.Fatal(err)
	}
	return id, addr
}

func shown(s *Store) string {
	var all []string
	for _, l := range s.All() {
		all = append(all, fmt.Sprintf("%d/%v", l.SubnetID, l.Addr))
	}
	return strings.Join(all, " ")
}

// allocated gives client i any free address of a network's first subnet.
func allocated(s *Store, network, i int) (string, bool) {
	who := testClient(i)
	tx := s.Begin(network)
	defer tx.End()
	v, ok := tx.Allocate(0, nil, &who, ip("0.0.0.0"), s.o.Clock.Now().Unix())
	return v.Addr.String(), ok
}

// Administrators and partners name a subnet, but an address has one lease: in the
// subnet whose pool has it, else where it is already.
func TestPutFindsTheHome(t *testing.T) {
	nets := []Network{outerNet(1, "10.0.0.1", "10.0.0.9"), innerNet(2, "10.1.0.1", "10.1.0.9")}
	for _, c := range []struct {
		name        string
		first, next string // subnet/address of two puts; "": one only
		want        string
	}{
		{"a pool's address under the outer id", "1/10.1.0.1", "", "2/10.1.0.1"},
		{"the same under both ids", "2/10.1.0.1", "1/10.1.0.1", "2/10.1.0.1"},
		{"outside pools as named", "1/10.1.7.7", "", "1/10.1.7.7"},
		{"outside pools under both ids", "1/10.1.7.7", "2/10.1.7.7", "1/10.1.7.7"},
	} {
		s, clock := table(t, Times{}, nets...)
		for i, at := range []string{c.first, c.next} {
			if at == "" {
				continue
			}
			var b Batch
			id, addr := split(t, at)
			l := Lease{Addr: ip(addr), SubnetID: id, HType: 1, HW: []byte{2, 0, 0, 0, 0, byte(i)}, CLTT: clock.now, ValidLft: 60}
			if existed, err := s.Put(&b, &l); err != nil || existed != (i == 1) {
				t.Errorf("%s: put %s: existed %t, %v", c.name, at, existed, err)
			}
			submit(t, s, &b)
		}
		if got := shown(s); got != c.want {
			t.Errorf("%s: leases %s, want %s", c.name, got, c.want)
		}
	}
}

// Two at once that name different subnets for an address outside pools make one
// lease: the second finds the first's.
func TestPutsAtOnceFindOneHome(t *testing.T) {
	s, clock := table(t, Times{}, outerNet(1, "10.0.0.1", "10.0.0.9"), innerNet(2, "10.1.0.1", "10.1.0.9"))
	var wrote atomic.Int32
	var both sync.WaitGroup
	inner := s.Begin(1) // both have looked at the outer subnet, found nothing and wait for the inner one
	for id := uint32(1); id <= 2; id++ {
		both.Go(func() {
			var b Batch
			l := Lease{Addr: ip("10.1.7.7"), SubnetID: id, HType: 1, HW: []byte{2, 0, 0, 0, 0, byte(id)}, CLTT: clock.now, ValidLft: 60}
			done, err := s.PutUnless(&b, &l, func(*Lease, bool) bool { return true })
			if err != nil {
				t.Error(err)
			}
			if done {
				wrote.Add(1)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	inner.End()
	both.Wait()
	if all := shown(s); wrote.Load() != 1 || strings.Contains(all, " ") {
		t.Errorf("%d of two writes were the first, leases %s", wrote.Load(), all)
	}
}

// A deleted lease stays deleted: in a shared network of nested subnets its record
// has the id of one, its slot lies with the other.
func TestDeletedInNestedSubnets(t *testing.T) {
	o := Options{Dir: t.TempDir(), Durability: OS, ReserveBytes: 1 << 20, Clock: &fakeClock{time.Unix(1_700_000_000, 0)}, Log: quiet}
	apart := []Network{innerNet(2, "10.1.0.1", "10.1.0.9")}
	shared := []Network{{Subnets: []Subnet{testSubnet(1, "10.0.0.0/8", "10.0.0.1", "10.0.0.9"), testSubnet(2, "10.1.0.0/16", "10.1.0.1", "10.1.0.9")}}}
	s := openWith(t, o, ChecksWarn, apart)
	writeLease(t, s, 2, "10.1.7.7")
	s.Close()
	s = openWith(t, o, ChecksWarn, shared)
	var b Batch
	if _, ok := s.Delete(&b, ip("10.1.7.7")); !ok {
		t.Error("the lease is gone")
	}
	if err := submit(t, s, &b); err != nil {
		t.Fatal(err)
	}
	if got := recorded(t, s); len(got) != 0 {
		t.Errorf("on disk: %v", got)
	}
}
