package ha

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/internal/config"
)

// rawServer answers every request with a good heartbeat and hands over the head
// of each. It closes a connection after `each` requests.
func rawServer(t *testing.T, network, addr string, each int) (netip.AddrPort, <-chan []string, <-chan struct{}) {
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Skip("no ", network, ": ", err)
	}
	t.Cleanup(func() { l.Close() })
	heads, conns := make(chan []string, 16), make(chan struct{}, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- struct{}{}
			go serveRaw(c, each, heads)
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String()), heads, conns
}

func serveRaw(c net.Conn, each int, heads chan<- []string) {
	defer c.Close()
	r := bufio.NewReader(c)
	for range each {
		var head []string
		length := 0
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line = strings.TrimSpace(line); line == "" {
				break
			}
			head = append(head, line)
			fmt.Sscanf(line, "Content-Length: %d", &length)
		}
		if _, err := r.Discard(length); err != nil {
			return
		}
		heads <- head
		body := `[ { "result": 0 } ]`
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: application/json\r\nDate: %s\r\n\r\n%s",
			len(body), time.Now().UTC().Format(http.TimeFormat), body)
	}
}

// The head of a request has what a captured Kea request has, and nothing else:
// no port in Host, no parameters, no User-Agent.
func TestRequestHead(t *testing.T) {
	for _, c := range []struct{ network, listen, host string }{
		{"tcp4", "127.0.0.1:0", "127.0.0.1"},
		{"tcp6", "[::1]:0", "::1"},
	} {
		at, heads, _ := rawServer(t, c.network, c.listen, 9)
		cl, err := newClient(&config.Peer{Name: "server2", Addr: at, User: "foo", Password: "1234"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		body := heartbeatCommand("server1")
		if _, err := cl.call(body, time.Second); err != nil {
			t.Fatal(err)
		}
		got := <-heads
		want := []string{
			"Authorization: Basic Zm9vOjEyMzQ=", fmt.Sprintf("Content-Length: %d", len(body)),
			"Content-Type: application/json", "Host: " + c.host, "POST / HTTP/1.1",
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("head %q, want %q", got, want)
		}
		cl.close()
	}
}

// Requests follow each other on one connection; one found closed is opened
// anew and the request repeated.
func TestConnectionsAreKept(t *testing.T) {
	at, heads, conns := rawServer(t, "tcp4", "127.0.0.1:0", 3)
	cl, err := newClient(&config.Peer{Name: "server2", Addr: at}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 7 {
		if _, err := cl.call(heartbeatCommand("server1"), time.Second); err != nil {
			t.Fatal(err)
		}
		<-heads
	}
	if got := len(conns); got != 3 {
		t.Errorf("%d connections for 7 requests of 3 each, want 3", got)
	}
}

// A command whose connection breaks without an answer is sent again, but a
// cancel is not: it may have worked, and a second one is refused for that. It
// finds no connection that has been idle, so it need not be.
func TestCancelIsSentOnce(t *testing.T) {
	for cancel, want := range map[bool]int{false: 2, true: 1} {
		at, heads, conns := rawServer(t, "tcp4", "127.0.0.1:0", 1)
		conf := pairConfig("server1", "load-balancing", freePort(t), at)
		p, err := newPeer(conf.Peers[1], conf, nil)
		if err != nil {
			t.Fatal(err)
		}
		p.maintenance(t.Context(), "server1", cancel, LoadBalancing) // opens a connection that is closed then
		<-heads
		<-conns
		if p.maintenance(t.Context(), "server1", cancel, LoadBalancing).Result != 0 {
			t.Errorf("cancel %v: an idle connection that was closed is a failure", cancel)
		}
		p.close()

		l, asked := hangUp(t)
		conf = pairConfig("server1", "load-balancing", freePort(t), l)
		if p, err = newPeer(conf.Peers[1], conf, nil); err != nil {
			t.Fatal(err)
		}
		if d := p.maintenance(t.Context(), "server1", cancel, LoadBalancing); !d.Silent || len(asked) != want {
			t.Errorf("cancel %v: asked %d times, want %d: %+v", cancel, len(asked), want, d)
		}
		p.close()
	}
}

// hangUp is a server that closes a connection when it has read of a request.
func hangUp(t *testing.T) (netip.AddrPort, <-chan struct{}) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	asked := make(chan struct{}, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if n, _ := c.Read(make([]byte, 4096)); n > 0 {
				asked <- struct{}{}
			}
			c.Close()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String()), asked
}

// A connection that lay idle is closed by us, well before a Kea closes it (30 s):
// a request that meets the partner's close is lost. The next one connects anew.
func TestIdleConnectionsAreNotUsedAgain(t *testing.T) {
	at, _, conns := rawServer(t, "tcp4", "127.0.0.1:0", 3)
	cl, err := newClient(&config.Peer{Name: "server2", Addr: at}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if idle := cl.http.MaxIdleConnDuration; idle <= 0 || idle > 25*time.Second {
		t.Errorf("a connection may lie idle for %s", idle)
	}
	cl.http.MaxIdleConnDuration = 20 * time.Millisecond // else the test takes as long
	for range 2 {
		if _, err := cl.call(heartbeatCommand("server1"), time.Second); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the idle connection is closed", func() bool { return cl.http.ConnsCount() == 0 })
	}
	if got := len(conns); got != 2 {
		t.Errorf("%d connections for 2 requests far apart, want 2", got)
	}
}

// The dedicated listener keeps connections for longer than the partner is
// silent between heartbeats, of which one may be lost.
func TestListenerOutlastsHeartbeats(t *testing.T) {
	for heartbeat, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 10 * time.Second: 30 * time.Second, time.Minute: 3 * time.Minute} {
		conf := pairConfig("server1", "load-balancing", freePort(t), freePort(t))
		conf.HeartbeatDelay = heartbeat
		o, err := (&link{conf: conf}).listening()
		if err != nil || o.IdleTimeout != want {
			t.Errorf("heartbeat-delay %s: connections are kept for %s (%v), want %s", heartbeat, o.IdleTimeout, err, want)
		}
	}
}

// A server that accepts and says nothing costs the deadline, no more.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cl, err := newClient(&config.Peer{Name: "server2", Addr: netip.MustParseAddrPort(l.Addr().String())}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cl.call(heartbeatCommand("server1"), 50*time.Millisecond); err == nil {
		t.Error("an answer out of nothing")
	}
}

// A driver that closes waits for no partner, whatever it is in the middle of.
func TestCloseDoesNotWait(t *testing.T) {
	for _, command := range []string{"ha-heartbeat", "lease4-get-page", "lease4-update"} {
		k := newFakeKea(t)
		conf := pairConfig("server1", "load-balancing", freePort(t), k.addr)
		conf.MaxResponseDelay, conf.SyncTimeout = time.Minute, time.Minute
		n := startNode(t, conf)
		k.set(func() { k.hang[command] = true })
		refused := make(chan bool, 1)
		if command == "lease4-update" {
			n.reach(LoadBalancing)
			go func() { refused <- !n.lease("192.0.2.20", 1) }()
		} else {
			refused <- true
		}
		waitFor(t, command+" is asked", func() bool { return slices.Contains(k.names(), command) })
		begin := time.Now()
		n.Close()
		if took := time.Since(begin); took > requestTimeout/2 {
			t.Errorf("closing during %s took %v", command, took)
		}
		if !<-refused {
			t.Error("the reply left although the partner never answered")
		}
	}
}
