package ha

import (
	"testing"

	"needletail/internal/rfc3074"
	"needletail/internal/scope"
	"needletail/leases"
)

// Vectors of RFC 3074's hash: 02:..:02 is of bucket 45, the secondary's;
// 01:02:00:..:01 of bucket 14, the primary's.
func TestReclaimsOwnClientsWhenTerminated(t *testing.T) {
	n := startNode(t, pairConfig("server1", "load-balancing", freePort(t), freePort(t)))
	l := n.links[0]
	mine := &leases.Lease{HW: []byte{2, 0, 0, 0, 0, 2}, ClientID: []byte{1, 2, 0, 0, 0, 0, 1}}
	theirs := &leases.Lease{HW: []byte{2, 0, 0, 0, 0, 2}}
	if !n.Reclaims(mine) || !n.Reclaims(theirs) {
		t.Error("a server that is not terminated reclaims everything")
	}
	n.do(func() {
		l.terminated.Store(true)
		l.scope.Store(&scope.Scope{Mode: scope.Hashed, Serve: rfc3074.Server(0, 2)})
		if !n.Reclaims(mine) || n.Reclaims(theirs) {
			t.Errorf("terminated: own %v, partner's %v", n.Reclaims(mine), n.Reclaims(theirs))
		}
	})
}
