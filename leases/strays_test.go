package leases

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorded lists the leases on disk as subnet/address.
func recorded(t *testing.T, s *Store) (out []string) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := openJournaled(s.o.Dir, &s.o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if err := d.load(func(key, _ []byte) error {
		if key[0] == kindLease {
			out = append(out, fmt.Sprintf("%d/%v", binary.BigEndian.Uint32(key[1:]), toAddr(binary.BigEndian.Uint32(key[5:]))))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// before has ids 1 and 2; shifted is the same with one subnet in front and the
// second gone.
var (
	before = []Network{
		{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.9")}},
		{Subnets: []Subnet{testSubnet(2, "203.0.113.0/24", "203.0.113.1", "203.0.113.9")}},
	}
	shifted = []Network{
		{Subnets: []Subnet{testSubnet(1, "198.51.100.0/24", "198.51.100.1", "198.51.100.9")}},
		{Subnets: []Subnet{testSubnet(2, "192.0.2.0/24", "192.0.2.1", "192.0.2.9")}},
	}
)

// What lease-checks does when subnet ids change, by a restart and by a reload: in
// no mode but del may anybody else have the address.
func TestLeaseChecks(t *testing.T) {
	for _, c := range []struct {
		checks LeaseChecks
		held   bool
		lines  int
		disk   string
	}{
		{ChecksNone, true, 0, "1/192.0.2.1 2/203.0.113.1"},
		{ChecksWarn, true, 1, "1/192.0.2.1 2/203.0.113.1"},
		{ChecksFix, true, 1, "2/192.0.2.1 2/203.0.113.1"},
		{ChecksFixDel, true, 1, "2/192.0.2.1"},
		{ChecksDel, false, 1, ""},
	} {
		for _, reload := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v reload=%t", c.checks, reload), func(t *testing.T) {
				var log bytes.Buffer
				o := Options{Dir: t.TempDir(), Durability: OS, ReserveBytes: 1 << 20, Clock: &fakeClock{time.Unix(1_700_000_000, 0)},
					Log: slog.New(slog.NewTextHandler(&log, nil))}
				s := openWith(t, o, ChecksWarn, before)
				writeLease(t, s, 1, "192.0.2.1")
				writeLease(t, s, 2, "203.0.113.1")
				if reload {
					s.SetLeaseChecks(c.checks)
					if err := s.Configure(shifted); err != nil {
						t.Fatal(err)
					}
				} else {
					s.Close()
					s = openWith(t, o, c.checks, shifted)
				}
				if held := !offered(s, 1, 9, "192.0.2.1"); held != c.held {
					t.Errorf("the address is kept from others: %t, want %t", held, c.held)
				}
				if c.held && !offered(s, 1, 1, "192.0.2.1") {
					t.Error("the address is kept from its client")
				}
				if n := strings.Count(log.String(), "in-other-subnets=1 in-no-subnet=1"); n != c.lines {
					t.Errorf("%d lines about it, want %d:\n%s", n, c.lines, log.String())
				}
				if got := strings.Join(recorded(t, s), " "); got != c.disk {
					t.Errorf("on disk: %s, want %s", got, c.disk)
				}
			})
		}
	}
}

func openWith(t *testing.T, o Options, checks LeaseChecks, nets []Network) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.SetLeaseChecks(checks)
	if err := s.Configure(nets); err != nil {
		t.Fatal(err)
	}
	return s
}

// writeLease makes an address client 1's for an hour.
func writeLease(t *testing.T, s *Store, subnet uint32, addr string) {
	t.Helper()
	var b Batch
	who := testClient(1)
	l := Lease{Addr: netip.MustParseAddr(addr), SubnetID: subnet, HType: who.HType, HW: who.hw(), ClientID: who.ID, CLTT: s.o.Clock.Now(), ValidLft: 3600}
	if _, err := s.Put(&b, &l); err != nil {
		t.Fatal(err)
	}
	if err := submit(t, s, &b); err != nil {
		t.Fatal(err)
	}
}

// offered tells whether client i may have an address now.
func offered(s *Store, network, i int, addr string) bool {
	who := testClient(i)
	tx := s.Begin(network)
	defer tx.End()
	return tx.Offer(netip.MustParseAddr(addr), &who, s.o.Clock.Now().Unix())
}

// Once a stray's client renews, or its lease is deleted, nothing is left under the
// former id.
func TestStrayIsWrittenAnew(t *testing.T) {
	for _, c := range []struct {
		what, disk string
		change     func(s *Store, b *Batch)
	}{
		{"renewed", "2/192.0.2.1", func(s *Store, b *Batch) {
			who := testClient(1)
			tx := s.Begin(1)
			defer tx.End()
			if err := tx.Commit(b, ip("192.0.2.1"), &who, &Grant{CLTT: s.o.Clock.Now().Unix(), ValidLft: 60}); err != nil {
				t.Error(err)
			}
		}},
		{"deleted", "", func(s *Store, b *Batch) { s.Delete(b, ip("192.0.2.1")) }},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := Options{Dir: t.TempDir(), Durability: OS, ReserveBytes: 1 << 20, Clock: &fakeClock{time.Unix(1_700_000_000, 0)}, Log: quiet}
			s := openWith(t, o, ChecksWarn, before)
			writeLease(t, s, 1, "192.0.2.1")
			if err := s.Configure(shifted); err != nil {
				t.Fatal(err)
			}
			var b Batch
			c.change(s, &b)
			if err := submit(t, s, &b); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(recorded(t, s), " "); got != c.disk {
				t.Errorf("on disk: %s, want %s", got, c.disk)
			}
		})
	}
}

// A renewal that shortens a lease and is not settled takes nothing from what its
// client was told before, wherever a reload puts it meanwhile.
func TestPromiseSurvivesReloads(t *testing.T) {
	s, clock := table(t, Times{}, before...)
	var b Batch
	who := testClient(1)
	grant := func(seconds uint32) {
		tx := s.Begin(0)
		defer tx.End()
		if err := tx.Commit(&b, ip("192.0.2.1"), &who, &Grant{CLTT: clock.now.Unix(), ValidLft: seconds}); err != nil {
			t.Fatal(err)
		}
	}
	grant(3600)
	submit(t, s, &b)
	grant(60)
	for _, nets := range [][]Network{before[1:], shifted} { // an orphan, then a stray
		if err := s.Configure(nets); err != nil {
			t.Fatal(err)
		}
	}
	clock.now = clock.now.Add(100 * time.Second)
	if offered(s, 1, 2, "192.0.2.1") {
		t.Error("somebody else may have the address")
	}
}

// Of two records of one address the newer counts, in whatever order they are met.
func TestNewestRecordCounts(t *testing.T) {
	for _, nets := range [][]Network{before, shifted} {
		s, _ := table(t, Times{})
		l, c := newLayout(), new(census)
		for _, spec := range nets {
			l.add(newNetwork(spec, 0, seconds{}))
		}
		old := record{cltt: 5, valid: 10, seq: 7, htype: 1, hw: []byte{1}}
		young := record{cltt: 6, valid: 10, seq: 8, htype: 1, hw: []byte{2}}
		addr, _ := toU32(ip("192.0.2.1"))
		s.house(l, place{1, addr}, &old, true, c)
		s.house(l, place{2, addr}, &young, true, c)
		s.house(l, place{1, addr}, &old, true, c)
		p := l.containing(addr)
		if got := p.net.lease(p.net.lookup(addr)); !bytes.Equal(got.HW, []byte{2}) {
			t.Errorf("%+v", got)
		}
	}
}
