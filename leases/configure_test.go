package leases

import (
	"fmt"
	"strings"
	"testing"
)

func TestConfigureAgain(t *testing.T) {
	sub := testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.9")
	second := testSubnet(2, "198.51.100.0/24", "198.51.100.1", "198.51.100.9")
	s, _ := table(t, Times{}, Network{Subnets: []Subnet{sub}}, Network{Subnets: []Subnet{second}})
	a := lease(t, s, 2, nil, 1000)
	fixed := lease(t, s, 4, nil, 1000)
	check := func(why string, nets []Network, active, orphans int) {
		t.Helper()
		if err := s.Configure(nets); err != nil {
			t.Fatal(err)
		}
		st := s.Stats()
		var n int64
		for _, sn := range st.Subnets {
			n += sn.Active
		}
		if int(n) != active || st.Orphans != orphans {
			t.Errorf("%s: %d active, %d orphans; want %d, %d", why, n, st.Orphans, active, orphans)
		}
	}
	moved := testSubnet(1, "192.0.2.0/24", "192.0.2.100", "192.0.2.109")
	check("the pool moved", []Network{{Subnets: []Subnet{moved}}}, 2, 0)
	if l, ok := s.Get(a); !ok || l.PoolID != 0 {
		t.Errorf("outside pools: %v %+v", ok, l)
	}
	check("the subnet is gone", []Network{{Subnets: []Subnet{second}}}, 0, 2)
	if _, ok := s.Get(a); ok {
		t.Error("a lease of no subnet was served")
	}
	check("and back, in a shared network", []Network{{Subnets: []Subnet{second, sub}}}, 2, 0)
	who := testClient(4)
	tx := s.Begin(0)
	if v, ok := tx.Find(1, &who); !ok || v.Addr != fixed || v.Subnet != 1 {
		t.Errorf("%+v %v", v, ok)
	}
	tx.End()
	check("nothing changed", []Network{{Subnets: []Subnet{second, sub}}}, 2, 0)
}

func TestConfigureRefuses(t *testing.T) {
	s, _ := table(t, Times{})
	for _, c := range []struct {
		want string
		nets []Network
	}{
		{"used twice", []Network{{Subnets: []Subnet{testSubnet(1, "192.0.2.0/25")}}, {Subnets: []Subnet{testSubnet(1, "192.0.2.128/25")}}}},
		{"not within", []Network{{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.3.1")}}}},
		{"not a range", []Network{{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.9", "192.0.2.1")}}}},
		{"overlap", []Network{{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.9", "192.0.2.9", "192.0.2.10")}}}},
		{"not an IPv4 prefix", []Network{{Subnets: []Subnet{testSubnet(1, "2001:db8::/64")}}}},
	} {
		if err := s.Configure(c.nets); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// Administration, expiry and reconfiguration at the same time lose nothing.
func TestConfigureUnderWork(t *testing.T) {
	sub := testSubnet(1, "10.0.0.0/8", "10.0.0.1", "10.0.255.254")
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{sub}})
	const many = 5000
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b Batch
		for i := range many {
			l := Lease{Addr: toAddr(0x0a000001 + uint32(i)), SubnetID: 1, HType: 1, HW: []byte{1, byte(i >> 8), byte(i)}, CLTT: clock.now, ValidLft: 60}
			if _, err := s.Put(&b, &l); err != nil {
				t.Error(err)
			}
			s.Reclaim(&b, clock.now, 10, nil)
			s.Settle(&b)
			b.Reset()
		}
	}()
	for i := 0; ; i++ {
		select {
		case <-done:
			if n := len(s.All()); n != many {
				t.Errorf("%d leases, want %d", n, many)
			}
			return
		default:
		}
		moved := testSubnet(1, "10.0.0.0/8", "10.0.0.1", fmt.Sprintf("10.%d.255.254", i%7))
		if err := s.Configure([]Network{{Subnets: []Subnet{moved}}}); err != nil {
			t.Fatal(err)
		}
	}
}
