package e2eha

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// lease is one of lease4-get-all, with what both kinds of servers tell alike.
type lease struct {
	HW       string `json:"hw-address"`
	ID       string `json:"client-id"`
	CLTT     int64  `json:"cltt"`
	Valid    uint32 `json:"valid-lft"`
	State    int    `json:"state"`
	Subnet   uint32 `json:"subnet-id"`
	Hostname string `json:"hostname"`
}

// leases is the server's table.
func (m *member) leases() map[netip.Addr]lease {
	m.t.Helper()
	var in struct {
		Leases []struct {
			Addr netip.Addr `json:"ip-address"`
			lease
		}
	}
	must(m.t, json.Unmarshal(m.ask("lease4-get-all", "").Arguments, &in))
	table := make(map[netip.Addr]lease, len(in.Leases))
	for _, l := range in.Leases {
		table[l.Addr] = l.lease
	}
	return table
}

// comparable leaves out what a Kea 2.2 does not keep: released leases, which
// it deletes, and reclaimed ones, for which each server has its own clock.
func comparable(table map[netip.Addr]lease) map[netip.Addr]lease {
	maps.DeleteFunc(table, func(_ netip.Addr, l lease) bool { return l.State > 1 })
	return table
}

// settled is how long updates that nobody waits for any more may take to arrive.
const settled = 20 * time.Second

// same checks that servers have the same leases.
func same(t *testing.T, a, b *member, atLeast int) {
	t.Helper()
	var why string
	for end := time.Now().Add(settled); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		x, y := comparable(a.leases()), comparable(b.leases())
		if why = difference(x, y); why == "" {
			if len(x) < atLeast {
				t.Errorf("%s and %s have %d leases, want at least %d", a.name, b.name, len(x), atLeast)
			}
			return
		}
	}
	t.Errorf("the lease tables of %s and %s differ: %s", a.name, b.name, why)
}

func difference(x, y map[netip.Addr]lease) (text string) {
	all := maps.Clone(x)
	maps.Copy(all, y)
	n := 0
	for _, a := range slices.SortedFunc(maps.Keys(all), netip.Addr.Compare) {
		l, okX := x[a]
		r, okY := y[a]
		if okX == okY && l == r {
			continue
		}
		if n++; n <= 3 {
			text += fmt.Sprintf("\n%v: %v %+v | %v %+v", a, okX, l, okY, r)
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d%s", n, len(all), text)
}
