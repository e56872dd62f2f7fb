package e2e

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"needletail/internal/netif/nettest"
)

// relay plays a relay agent with many clients behind it, and writes down every
// ACK it received: what the server must never forget. Its lock guards the
// journal; the receiver writes it, the test reads it.
type relay struct {
	conn   *net.UDPConn
	giaddr net.IP
	server *net.UDPAddr

	mu   sync.Mutex
	acks map[netip.Addr]promise
}

// promise is one ACK.
type promise struct {
	mac     string
	expires time.Time // no earlier
}

// newRelay opens the relay on a host with the address 192.0.2.2.
func newRelay(t *testing.T, h *nettest.Namespace) *relay {
	t.Helper()
	r := &relay{giaddr: net.IPv4(192, 0, 2, 2), server: &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 67}, acks: make(map[netip.Addr]promise)}
	must(t, h.Do(func() (err error) {
		r.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: r.giaddr, Port: 67})
		return err
	}))
	t.Cleanup(func() { r.conn.Close() })
	go r.receive()
	return r
}

// clients sends a DISCOVER for each client number in [from, to), window of them
// every tick, until all are sent or ctx ends. The receiver carries on from the
// offers.
func (r *relay) clients(ctx context.Context, from, to, window int) {
	for n := from; n < to && ctx.Err() == nil; n++ {
		if m, err := dhcpv4.NewDiscovery(mac(n), dhcpv4.WithRelay(r.giaddr)); err == nil {
			r.conn.WriteToUDP(m.ToBytes(), r.server)
		}
		if n%window == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func mac(n int) net.HardwareAddr {
	hw := make(net.HardwareAddr, 6)
	hw[0] = 2
	binary.BigEndian.PutUint32(hw[2:], uint32(n))
	return hw
}

// receive answers offers with requests and writes ACKs down, until the socket
// is closed.
func (r *relay) receive() {
	buf := make([]byte, 2048)
	for {
		n, err := r.conn.Read(buf)
		if err != nil {
			if _, closed := err.(*net.OpError); closed && n == 0 && !isRefused(err) {
				return
			}
			continue
		}
		if m, err := dhcpv4.FromBytes(buf[:n]); err == nil {
			r.take(m)
		}
	}
}

func (r *relay) take(m *dhcpv4.DHCPv4) {
	switch m.MessageType() {
	case dhcpv4.MessageTypeOffer:
		if q, err := dhcpv4.NewRequestFromOffer(m, dhcpv4.WithRelay(r.giaddr)); err == nil {
			r.conn.WriteToUDP(q.ToBytes(), r.server)
		}
	case dhcpv4.MessageTypeAck:
		addr, ok := netip.AddrFromSlice(m.YourIPAddr.To4())
		if !ok {
			return
		}
		// The server reckons in whole seconds from when it decided, which was
		// before now.
		until := time.Now().Add(m.IPAddressLeaseTime(0) - 3*time.Second)
		r.mu.Lock()
		r.acks[addr] = promise{m.ClientHWAddr.String(), until}
		r.mu.Unlock()
	}
}

// count is how many leases were acknowledged.
func (r *relay) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.acks)
}

// journal is a copy of the ACKs so far.
func (r *relay) journal() map[netip.Addr]promise {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[netip.Addr]promise, len(r.acks))
	for a, p := range r.acks {
		all[a] = p
	}
	return all
}
