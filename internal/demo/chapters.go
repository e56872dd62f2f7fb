package demo

import (
	"context"
	"fmt"
	"time"

	"needletail/internal/rfc3074"
)

func (s *story) network(ctx context.Context) error {
	s.title("1. A network of its own: two servers on one switch, and a link between the two")
	for i := range s.servers {
		host, err := s.bed.Host(ctx, fmt.Sprint("server", i+1), fmt.Sprintf("192.0.2.%d/24", i+1))
		if err != nil {
			return err
		}
		s.servers[i] = &server{name: fmt.Sprint("server", i+1), host: host}
	}
	if err := s.bed.Veth(s.servers[0].host, "ha0", s.servers[1].host, "ha0"); err != nil {
		return err
	}
	for i, v := range s.servers {
		if err := v.host.Address("ha0", fmt.Sprintf("10.77.0.%d/24", i+1)); err != nil {
			return err
		}
		s.say(v.name, "eth0 192.0.2.%d/24, ha0 10.77.0.%d/24", i+1, i+1)
	}
	return nil
}

func (s *story) serve(ctx context.Context) error {
	s.title("2. A load-balanced pair, with a Kea configuration: 192.0.2.100 - 192.0.2.199")
	for i := range s.servers {
		if err := s.start(ctx, i); err != nil {
			return err
		}
	}
	return s.reach(ctx, "load-balancing", s.servers[:]...)
}

func (s *story) start(ctx context.Context, i int) (err error) {
	v := s.servers[i]
	v.app, err = s.bed.Serve(ctx, v.host, s.binary, fmt.Sprintf(config, i+1, s.bed.Dir, s.bed.Socket(v.host)))
	v.shown = 0
	return err
}

// cast is the clients of the first act, two of each server's share: the last
// byte of the hardware address decides.
var cast = []struct {
	kind string
	mac  byte
}{{"dhclient", 4}, {"dhclient", 2}, {"udhcpc", 6}, {"udhcpc", 10}}

func (s *story) take(ctx context.Context) error {
	s.title("3. Four real clients take leases; the hash of each (RFC 3074) says whose it is")
	for _, c := range cast {
		if err := s.join(ctx, c.kind, c.mac); err != nil {
			return err
		}
	}
	return s.verdicts()
}

// join adds a client and waits for its lease.
func (s *story) join(ctx context.Context, kind string, mac byte) error {
	c := &client{name: fmt.Sprintf("%s%d", kind, len(s.clients)+1)}
	host, err := s.bed.Host(ctx, c.name, "")
	if err != nil {
		return err
	}
	hw := []byte{2, 0, 0, 0, 0, mac}
	if out, err := host.Output(ctx, "ip", "link", "set", "eth0", "address", fmt.Sprintf("02:00:00:00:00:%02x", mac)); err != nil {
		return fmt.Errorf("give %s its address: %w\n%s", c.name, err, out)
	}
	began := time.Now()
	if c.Client, err = s.bed.Client(kind, host); err != nil {
		return err
	}
	if c.addr, _, err = c.Bound(ctx, 0); err != nil {
		return err
	}
	if kind == "udhcpc" {
		hw = append([]byte{1}, hw...) // its client identifier
	}
	s.say(c.name, "bucket %3d: %s from %s, %d ms after it started", rfc3074.Hash(hw), c.addr, s.nameOf(c), time.Since(began).Milliseconds())
	s.clients = append(s.clients, c)
	return nil
}

func (s *story) renew(ctx context.Context) error {
	s.title("4. They renew (dhclient when its renewal time comes, after 4 s)")
	for _, i := range []int{2, 3, 0, 1} {
		if err := s.renewed(ctx, s.clients[i]); err != nil {
			return err
		}
	}
	return nil
}

// renewed has a client confirm its lease, and checks that it keeps its address.
func (s *story) renewed(ctx context.Context, c *client) error {
	before := len(c.Events())
	if err := c.Renew(); err != nil {
		return err
	}
	addr, lifetime, err := c.Bound(ctx, before)
	if err != nil {
		return err
	}
	if addr != c.addr {
		return fmt.Errorf("%s had %s and now has %s", c.name, c.addr, addr)
	}
	s.say(c.name, "keeps %s for %s s more, says %s", addr, lifetime, s.nameOf(c))
	return nil
}

func (s *story) powerCut(ctx context.Context) error {
	s.title("5. The power of server2 fails (SIGKILL); server1 takes over its share")
	began := time.Now()
	s.servers[1].app.Kill()
	if err := s.reach(ctx, "partner-down", s.servers[0]); err != nil {
		return err
	}
	s.say("server1", "serves everybody %d ms after the power cut", time.Since(began).Milliseconds())
	if err := s.join(ctx, "udhcpc", 11); err != nil { // of server2's share
		return err
	}
	s.say("dhclient2", "has its lease from server2; it will ask everybody when nobody answers, after 7 s")
	return s.renewed(ctx, s.clients[1])
}

func (s *story) back(ctx context.Context) error {
	s.title("6. Server2 comes back, learns what it missed, and has its share again")
	began := time.Now()
	if err := s.start(ctx, 1); err != nil {
		return err
	}
	if err := s.reach(ctx, "load-balancing", s.servers[1], s.servers[0]); err != nil {
		return err
	}
	s.say("server2", "serves again %d ms after its start", time.Since(began).Milliseconds())
	return s.renewed(ctx, s.clients[1])
}

func (s *story) release(ctx context.Context) error {
	s.title("7. Three give their leases back; two leave without a word, as most do")
	gone := []*client{s.clients[0], s.clients[2], s.clients[3]}
	for _, c := range gone {
		if err := c.Release(ctx); err != nil {
			return err
		}
		s.say(c.name, "released %s", c.addr)
	}
	for _, c := range s.clients {
		c.End()
	}
	return s.left(ctx, len(s.clients)-len(gone))
}

func (s *story) end(context.Context) error {
	s.title("8. What both counted")
	if err := s.verdicts(); err != nil {
		return err
	}
	for _, v := range s.servers {
		if err := v.app.Stop(); err != nil {
			return fmt.Errorf("%s did not end cleanly: %w", v.name, err)
		}
	}
	fmt.Fprint(s.out, "\nEverything is taken down again. For real: make run CONFIG=/etc/kea/kea-dhcp4.conf\n")
	return nil
}
