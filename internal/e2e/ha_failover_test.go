package e2e

import (
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"needletail/internal/netif/nettest"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// asker is a client of one server's share behind a relay that asks both
// servers.
type asker struct {
	t    *testing.T
	conn *net.UDPConn
	mac  net.HardwareAddr
	xid  uint32
}

func newAsker(t *testing.T, h *nettest.Namespace, mac net.HardwareAddr) *asker {
	t.Helper()
	a := &asker{t: t, mac: mac}
	must(t, h.Do(func() (err error) {
		a.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 67})
		return err
	}))
	t.Cleanup(func() { a.conn.Close() })
	return a
}

// answered sends one DISCOVER to both servers and reports whether an OFFER
// came within wait.
func (a *asker) answered(wait time.Duration) bool {
	a.t.Helper()
	a.xid++
	q, err := dhcpv4.NewDiscovery(a.mac, dhcpv4.WithRelay(net.IPv4(192, 0, 2, 2)),
		dhcpv4.WithTransactionID(dhcpv4.TransactionID{byte(a.xid >> 24), byte(a.xid >> 16), byte(a.xid >> 8), byte(a.xid)}))
	must(a.t, err)
	for _, last := range []byte{11, 12} {
		a.conn.WriteToUDP(q.ToBytes(), &net.UDPAddr{IP: net.IPv4(192, 0, 2, last), Port: 67}) // refused: that server is dead
	}
	var buf [1500]byte
	a.conn.SetReadDeadline(time.Now().Add(wait))
	for {
		n, _, err := a.conn.ReadFromUDP(buf[:])
		if err != nil {
			return false
		}
		if r, err := dhcpv4.FromBytes(buf[:n]); err == nil && r.TransactionID == q.TransactionID {
			return true
		}
	}
}

// gap is how long a client of the dead server stays without an answer.
func (a *asker) gap(since time.Time) time.Duration {
	a.t.Helper()
	for time.Since(since) < 30*time.Second {
		if a.answered(10 * time.Millisecond) {
			return time.Since(since)
		}
	}
	a.t.Fatal("nobody takes over")
	return 0
}

// How long clients of a server that dies, or hangs, wait for the other one:
// printed for a pair of needletails, and for a pair of Keas with the same
// settings. Not asserted: it is the machine's as much as ours.
func TestFailoverTime(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	// Bucket 45 of RFC 3074's hash, server2's.
	theirs := net.HardwareAddr{2, 0, 0, 0, 0, 2}
	for _, c := range []struct {
		name   string
		kea    bool
		signal syscall.Signal
	}{
		{"needletail killed", false, syscall.SIGKILL},
		{"needletail stopped", false, syscall.SIGSTOP},
		{"Kea killed", true, syscall.SIGKILL},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, "kea-dhcp4")
			servers, clients := pair(t, b, 100*time.Millisecond, 300*time.Millisecond)
			for _, s := range servers {
				s.kea = c.kea
				s.start(t)
			}
			servers[0].reach(t, "load-balancing")
			servers[1].reach(t, "load-balancing")
			a := newAsker(t, clients, theirs)
			if !slices.Contains([]bool{a.answered(time.Second), a.answered(time.Second), a.answered(time.Second)}, true) {
				t.Fatal("no answer from a healthy pair")
			}
			since := time.Now()
			must(t, servers[1].Signal(c.signal))
			t.Logf("%s: %v without an answer (heartbeat-delay 100 ms, max-response-delay 300 ms, max-unacked-clients 0)", c.name, a.gap(since).Round(time.Millisecond))
			servers[1].Kill()
			servers[0].reach(t, "partner-down")
		})
	}
}
