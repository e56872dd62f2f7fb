package e2eha

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"needletail/internal/netif/nettest"
	"needletail/internal/testbed"
)

// site is one test's network: servers on the clients' switch at 192.0.2.1 and
// up, and on a switch of their own at 10.77.0.1 and up, so that either link of
// a server can be cut alone.
type site struct {
	t       *testing.T
	bed     *testbed.Bed
	lab     *nettest.Lab
	haSide  *nettest.Namespace
	members []*member
}

func newSite(t *testing.T) *site {
	t.Helper()
	lab := nettest.ForTest(t)
	bed, err := testbed.Open(t.Context(), lab)
	must(t, err)
	t.Cleanup(func() { bed.Close() })
	s := &site{t: t, bed: bed, lab: lab}
	s.haSide, err = lab.Namespace("haswitch")
	must(t, err)
	s.run(s.haSide, "ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0")
	must(t, s.haSide.SetUp("br0", true))
	return s
}

func (s *site) run(n *nettest.Namespace, name string, args ...string) {
	s.t.Helper()
	if out, err := n.Output(s.t.Context(), name, args...); err != nil {
		s.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// host adds a server's place, number n from 1.
func (s *site) host(n int) *nettest.Namespace {
	s.t.Helper()
	h, err := s.bed.Host(s.t.Context(), fmt.Sprint("server", n), fmt.Sprintf("192.0.2.%d/16", n))
	must(s.t, err)
	s.plug(h, fmt.Sprint("ha", n), fmt.Sprintf("10.77.0.%d/24", n))
	return h
}

// plug connects a host's ha0 to the servers' own switch.
func (s *site) plug(h *nettest.Namespace, port, cidr string) {
	s.t.Helper()
	must(s.t, s.lab.Veth(s.haSide, port, h, "ha0"))
	s.run(s.haSide, "ip", "link", "set", port, "master", "br0")
	must(s.t, h.Address("ha0", cidr))
}

// reachable waits until a host answers another, if only that nothing listens
// there: a link comes up some time after it was made, and then ARP may give up
// on a neighbour for seconds.
func (s *site) reachable(from *nettest.Namespace, addr string) {
	s.t.Helper()
	waitFor(s.t, addr+" to be reachable", func() bool {
		err := from.Do(func() error {
			c, err := net.DialTimeout("tcp4", addr+":9", time.Second)
			if err == nil {
				c.Close()
			}
			return err
		})
		return err == nil || errors.Is(err, syscall.ECONNREFUSED)
	})
}

// swarm makes clients behind a relay at 192.0.2.9, which knows all servers.
func (s *site) swarm() *swarm {
	s.t.Helper()
	h, err := s.bed.Host(s.t.Context(), "relay", "192.0.2.9/16")
	must(s.t, err)
	w := newSwarm(s.t, h, "192.0.2.9")
	for i := range s.members {
		w.serve(fmt.Sprintf("192.0.2.%d", i+1))
	}
	return w
}
