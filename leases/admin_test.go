package leases

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestMergeAndPut(t *testing.T) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.9")}})
	var b Batch
	l := someLease
	l.Addr = ip("192.0.2.5")
	for _, c := range []struct {
		cltt  int64
		state State
		want  bool
	}{{0, Active, true}, {0, Released, false}, {-5, Declined, false}, {1, Reclaimed, true}} {
		l.CLTT, l.State = clock.now.Add(time.Duration(c.cltt)*time.Second), c.state
		if done, err := s.Merge(&b, &l, Supersedes); done != c.want || err != nil {
			t.Errorf("merge %+v: %v %v", c, done, err)
		}
	}
	l.CLTT, l.State = clock.now.Add(-time.Hour), Active
	if existed, err := s.Put(&b, &l); !existed || err != nil {
		t.Errorf("put: %v %v", existed, err)
	}
	got, _ := s.Get(l.Addr)
	l.PoolID = 1
	if a, b := AppendKea(nil, &got, KeaForm{PoolID: true}), AppendKea(nil, &l, KeaForm{PoolID: true}); !bytes.Equal(a, b) {
		t.Errorf("got  %s\nwant %s", a, b)
	}
	l.SubnetID = 9
	if _, err := s.Put(&b, &l); !errors.Is(err, ErrNoSubnet) {
		t.Error(err)
	}
	l.SubnetID, l.Addr = 1, ip("203.0.113.1")
	if _, err := s.Put(&b, &l); !errors.Is(err, ErrNotInSubnet) {
		t.Error(err)
	}
	l.Addr, l.UserContext = ip("192.0.2.5"), make([]byte, contextMax+1)
	if _, err := s.Put(&b, &l); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
}

// Pages run through pools, gaps and networks in the order of addresses.
func TestPages(t *testing.T) {
	s, clock := table(t, Times{},
		Network{Subnets: []Subnet{testSubnet(1, "10.0.0.0/16", "10.0.2.0", "10.0.3.255", "10.0.0.16", "10.0.0.31")}},
		Network{Subnets: []Subnet{testSubnet(2, "10.1.0.0/16")}}, Network{Subnets: []Subnet{testSubnet(3, "9.0.0.0/8", "9.9.9.9", "9.9.9.9")}})
	var b Batch
	want := []string{"9.0.0.1", "9.9.9.9", "9.255.0.1", "10.0.0.1", "10.0.0.16", "10.0.0.31", "10.0.0.32", "10.0.2.0", "10.0.3.255", "10.0.255.255", "10.1.0.7"}
	for i := range want {
		k := i * 7 % len(want)
		l := Lease{Addr: ip(want[k]), HType: 1, HW: []byte{1, 2, byte(k)}, CLTT: clock.now, ValidLft: 60}
		for id := uint32(1); id <= 3; id++ {
			l.SubnetID = id
			if _, err := s.Put(&b, &l); err == nil {
				break
			}
		}
	}
	for _, limit := range []int{1, 2, 3, 100} {
		var got []string
		from := netip.Addr{}
		for {
			page := s.Page(from, limit)
			for _, l := range page {
				got = append(got, l.Addr.String())
			}
			if len(page) < limit {
				break
			}
			from = page[len(page)-1].Addr
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("pages of %d: got %v\nwant %v", limit, got, want)
		}
	}
	if n := len(s.All(2, 3)); n != 4 {
		t.Errorf("subnets 2 and 3 have %d leases", n)
	}
	if n := len(s.ByHW(1, []byte{1, 2, 3})); n != 1 {
		t.Errorf("%d leases by hardware address", n)
	}
	if n := len(s.ByState(Active, 1)); n != 7 {
		t.Errorf("%d active leases in subnet 1", n)
	}
	if n := s.Wipe(&b, 1); n != 7 || len(s.All()) != 4 {
		t.Errorf("wiped %d", n)
	}
}
