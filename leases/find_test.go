package leases

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

func TestFindOrder(t *testing.T) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{
		testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.9"), testSubnet(2, "198.51.100.0/24", "198.51.100.1", "198.51.100.9")}})
	hw := []byte{2, 0, 0, 0, 0, 9}
	withID, other, without := NewClient(1, hw, []byte("one")), NewClient(1, hw, []byte("two")), NewClient(1, hw, nil)
	token := NewClient(6, hw, nil)
	var b Batch
	tx := s.Begin(0)
	defer tx.End()
	tx.Commit(&b, ip("192.0.2.5"), &withID, &Grant{CLTT: clock.now.Unix(), ValidLft: 60})
	check := func(why string, subnet int, who *Client, want string) {
		t.Helper()
		v, ok := tx.Find(subnet, who)
		if got := v.Addr.String(); got != want || ok != (want != "invalid IP") {
			t.Errorf("%s: got %s, want %s", why, got, want)
		}
	}
	check("by client id", 0, &withID, "192.0.2.5")
	check("same hardware address, no client id", 0, &without, "192.0.2.5")
	check("same hardware address, another client id", 0, &other, "invalid IP")
	check("another hardware type", 0, &token, "invalid IP")
	check("another subnet", 1, &withID, "invalid IP")
	tx.Commit(&b, ip("192.0.2.6"), &other, &Grant{CLTT: clock.now.Unix(), ValidLft: 60})
	check("two clients on one hardware address", 0, &other, "192.0.2.6")
	check("two clients on one hardware address", 0, &withID, "192.0.2.5")
	tx.Commit(&b, ip("192.0.2.77"), &token, &Grant{CLTT: clock.now.Unix(), ValidLft: 60})
	check("outside pools", 0, &token, "192.0.2.77")
	if err := tx.Commit(&b, ip("203.0.113.1"), &token, &Grant{CLTT: clock.now.Unix()}); !errors.Is(err, ErrNotInSubnet) {
		t.Errorf("an address of no subnet: %v", err)
	}
	if err := tx.Commit(&b, ip("192.0.2.5"), &other, &Grant{CLTT: clock.now.Unix()}); !errors.Is(err, ErrTaken) {
		t.Errorf("an address of someone else: %v", err)
	}
}

// One hardware address with thousands of client ids neither slows the index
// down nor hides anyone's lease.
func TestOneHardwareAddressManyClients(t *testing.T) {
	s, clock := table(t, Times{}, Network{Subnets: []Subnet{testSubnet(1, "10.0.0.0/8", "10.0.0.1", "10.0.255.254")}})
	var b Batch
	const many = 20_000
	client := func(i int) Client { return NewClient(1, []byte{2, 0, 0, 0, 0, 1}, fmt.Appendf(nil, "id-%d", i)) }
	tx := s.Begin(0)
	defer tx.End()
	for i := range many {
		who := client(i)
		v, ok := tx.Allocate(0, nil, &who, netip.Addr{}, clock.now.Unix())
		if !ok || tx.Commit(&b, v.Addr, &who, &Grant{CLTT: clock.now.Unix(), ValidLft: 60}) != nil {
			t.Fatal("no lease for", i)
		}
		b.Reset()
	}
	without := NewClient(1, []byte{2, 0, 0, 0, 0, 1}, nil)
	if err := tx.Commit(&b, ip("10.0.255.1"), &without, &Grant{CLTT: clock.now.Unix(), ValidLft: 60}); err != nil {
		t.Fatal(err)
	}
	if ref := s.layout.Load().nets[0].lookup(0x0a00ff01); !slices.Contains(s.layout.Load().nets[0].entries(&without), ref) {
		t.Error("the lease without client id is not in the index")
	}
	for i := range many {
		who := client(i)
		if v, ok := tx.Find(0, &who); !ok || !v.Mine {
			t.Fatalf("client %d lost its lease", i)
		}
	}
}

// entries returns the slots that the index has for a hardware address.
func (n *network) entries(who *Client) (out []uint32) {
	c := n.index.find(n.tagHW(who.HType, who.hw()))
	for ref := c.next(); ref != 0; ref = c.next() {
		out = append(out, ref)
	}
	return out
}
