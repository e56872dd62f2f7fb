package e2eha

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"needletail/internal/netif/nettest"
)

// swarm is many clients behind one relay agent, which sends what they say to
// every server. The journal is what they believe; its breach fails the test.
type swarm struct {
	t       *testing.T
	conn    *net.UDPConn
	giaddr  net.IP
	servers []*net.UDPAddr
	retry   time.Duration

	mu      sync.Mutex // guards all below
	clients map[string]*client
	journal journal
	answers map[string]int // ACKs by server identifier
}

// client is one of them.
type client struct {
	hw      net.HardwareAddr
	phase   phase
	xid     dhcpv4.TransactionID // of the exchange; an answer to a former one is not for it
	offer   *dhcpv4.DHCPv4
	addr    netip.Addr
	server  net.IP
	began   time.Time // of the exchange
	sent    time.Time // of its last message
	waited  time.Duration
	refused int // NAKs to a lease it had
}

type phase uint8

const (
	idle phase = iota
	discovering
	requesting
	renewing
	bound
)

func newSwarm(t *testing.T, h *nettest.Namespace, giaddr string) *swarm {
	t.Helper()
	w := &swarm{t: t, giaddr: net.ParseIP(giaddr).To4(), retry: 300 * time.Millisecond, clients: map[string]*client{}, answers: map[string]int{}}
	w.journal.open(t)
	must(t, h.Do(func() (err error) {
		w.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: w.giaddr, Port: 67})
		return err
	}))
	t.Cleanup(func() { w.conn.Close() })
	go w.receive()
	return w
}

// serve adds a server that the relay sends to.
func (w *swarm) serve(addr string) {
	w.servers = append(w.servers, &net.UDPAddr{IP: net.ParseIP(addr), Port: 67})
}

func hwaddr(n int) net.HardwareAddr {
	hw := net.HardwareAddr{2, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(hw[2:], uint32(n))
	return hw
}

func (w *swarm) client(n int) *client {
	hw := hwaddr(n)
	c := w.clients[hw.String()]
	if c == nil {
		c = &client{hw: hw}
		w.clients[hw.String()] = c
	}
	return c
}

// send gives a message of a client to the relay.
func (w *swarm) send(m *dhcpv4.DHCPv4, c *client) {
	m.NumSeconds = uint16(time.Since(c.began) / time.Second)
	m.HopCount = 1
	b := m.ToBytes()
	for _, to := range w.servers {
		w.conn.WriteToUDP(b, to) // a server that is not there is the test's business
	}
}

// begin starts an exchange: a renewal for a client with a lease, else DORA.
func (w *swarm) begin(c *client) {
	c.began, c.phase, c.xid = time.Now(), discovering, newXid(w.t)
	if c.addr.IsValid() {
		c.phase = renewing
	}
	w.say(c)
}

func newXid(t *testing.T) dhcpv4.TransactionID {
	t.Helper()
	xid, err := dhcpv4.GenerateTransactionID()
	must(t, err)
	return xid
}

// say sends the message of the client's phase, or sends it again.
func (w *swarm) say(c *client) {
	c.sent = time.Now()
	var m *dhcpv4.DHCPv4
	var err error
	switch c.phase {
	case discovering:
		m, err = dhcpv4.NewDiscovery(c.hw, dhcpv4.WithRelay(w.giaddr))
	case requesting:
		m, err = dhcpv4.NewRequestFromOffer(c.offer, dhcpv4.WithRelay(w.giaddr))
	case renewing:
		m, err = w.message(c, dhcpv4.MessageTypeRequest)
	default:
		return
	}
	must(w.t, err)
	m.TransactionID = c.xid
	w.send(m, c)
}

// message is one of a client with an address.
func (w *swarm) message(c *client, kind dhcpv4.MessageType, more ...dhcpv4.Modifier) (*dhcpv4.DHCPv4, error) {
	return dhcpv4.New(append([]dhcpv4.Modifier{
		dhcpv4.WithHwAddr(c.hw), dhcpv4.WithMessageType(kind), dhcpv4.WithRelay(w.giaddr), dhcpv4.WithClientIP(c.addr.AsSlice())}, more...)...)
}

// receive takes answers until the socket is closed.
func (w *swarm) receive() {
	buf := make([]byte, 2048)
	for {
		n, _, err := w.conn.ReadFromUDP(buf)
		if isClosed(err) {
			return
		}
		if err != nil {
			continue
		}
		if m, err := dhcpv4.FromBytes(buf[:n]); err == nil {
			w.mu.Lock()
			w.take(m)
			w.mu.Unlock()
		}
	}
}

// take is what a client does with an answer.
func (w *swarm) take(m *dhcpv4.DHCPv4) {
	c := w.clients[m.ClientHWAddr.String()]
	if c == nil || m.TransactionID != c.xid {
		return
	}
	switch kind := m.MessageType(); {
	case kind == dhcpv4.MessageTypeOffer && c.phase == discovering:
		c.phase, c.offer = requesting, m
		w.say(c)
	case kind == dhcpv4.MessageTypeAck && (c.phase == requesting || c.phase == renewing):
		w.acked(c, m)
	case kind == dhcpv4.MessageTypeNak && c.phase == renewing:
		c.refused++
		w.t.Logf("%v took %v back from %v", m.ServerIdentifier(), c.addr, c.hw)
		w.journal.end(c.addr, c)
		c.addr, c.phase = netip.Addr{}, discovering
	case kind == dhcpv4.MessageTypeNak && c.phase == requesting:
		c.phase = discovering
	}
}

func (w *swarm) acked(c *client, m *dhcpv4.DHCPv4) {
	addr, _ := netip.AddrFromSlice(m.YourIPAddr.To4())
	if c.addr.IsValid() && c.addr != addr {
		w.journal.end(c.addr, c)
	}
	c.addr, c.phase, c.server, c.waited = addr, bound, m.ServerIdentifier(), time.Since(c.began)
	w.answers[c.server.String()]++
	// The lease time counts from the request (RFC 2131 section 4.4.1), and the
	// server reckons in whole seconds.
	w.journal.promise(addr, c, c.sent.Add(m.IPAddressLeaseTime(0)-time.Second))
}
