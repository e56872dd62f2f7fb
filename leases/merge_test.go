package leases

import (
	"testing"
	"time"
)

// A sync must not lose a lease that the partner has promised to one that nobody
// was told of, however young; a lease that was told of stays if it is younger.
func TestMergeOverUntold(t *testing.T) {
	s, clock := table(t, Times{Offer: time.Minute},
		Network{Subnets: []Subnet{testSubnet(1, "192.0.2.0/24", "192.0.2.1", "192.0.2.9")}})
	theirs := func(a string, hw byte, state State) *Lease {
		return &Lease{Addr: ip(a), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, hw}, CLTT: clock.Now().Add(-10 * time.Second), ValidLft: 600, State: state}
	}
	for _, c := range []struct {
		name    string
		addr    string
		settled bool
		renewed time.Duration // after a settled lease of a minute; 0: it is new
		another byte          // last byte of the hardware address in the partner's lease; ours has 1
		state   State
		want    bool
	}{
		{"another client's, ours untold", "192.0.2.1", false, 0, 9, Active, true},
		{"another client's, ours told", "192.0.2.2", true, 0, 9, Active, false},
		{"the same client's", "192.0.2.3", false, 0, 1, Active, false},
		{"released by another client", "192.0.2.4", false, 0, 9, Released, false},
		{"another client's, our renewal untold", "192.0.2.5", false, 59 * time.Second, 9, Active, false},
		{"the same, too late to be one", "192.0.2.6", false, 61 * time.Second, 9, Active, true},
	} {
		var b, sync Batch
		who := NewClient(1, []byte{2, 0, 0, 0, 0, 1}, nil)
		grant := func(b *Batch, lifetime uint32) {
			b.Query(0, 0)
			tx := s.Begin(0)
			err := tx.Commit(b, ip(c.addr), &who, &Grant{CLTT: clock.Now().Unix(), ValidLft: lifetime})
			tx.End()
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		if c.renewed != 0 {
			var before Batch
			grant(&before, 60)
			s.Settle(&before)
			clock.now = clock.now.Add(c.renewed)
		}
		grant(&b, 600)
		if c.settled {
			s.Settle(&b)
		}
		if took, err := s.Merge(&sync, theirs(c.addr, c.another, c.state), Supersedes); took != c.want || err != nil {
			t.Errorf("%s: taken over %v (%v), want %v", c.name, took, err, c.want)
		}
		if s.Settle(&b); b.Queries()[0].OK == (c.want && !c.settled) {
			t.Errorf("%s: our own client is answered: %v", c.name, b.Queries()[0].OK)
		}
	}
}
