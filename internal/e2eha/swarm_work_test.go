package e2eha

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"needletail/internal/rfc3074"
)

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }

// all has the clients numbered [from, to) get or renew a lease, and waits until
// each has. It returns how long the slowest waited.
func (w *swarm) all(what string, from, to int) time.Duration {
	w.t.Helper()
	return w.these(what, numbers(from, to))
}

func numbers(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

// these is all for clients of any numbers.
func (w *swarm) these(what string, who []int) time.Duration {
	w.t.Helper()
	w.start(who)
	end := time.Now().Add(patience)
	for {
		left, slowest := w.pursue(who)
		if left == 0 {
			return slowest
		}
		if time.Now().After(end) {
			w.t.Fatalf("%s: %d of %d clients were not served in %v: %s", what, left, len(who), patience, w.show(who))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// start begins exchanges, some of them at a time.
func (w *swarm) start(who []int) {
	for i, n := range who {
		w.mu.Lock()
		w.begin(w.client(n))
		w.mu.Unlock()
		if i%10 == 9 {
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// pursue sends again what was not answered, and returns how many clients wait
// and how long the slowest of the others had to.
func (w *swarm) pursue(who []int) (left int, slowest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range who {
		c := w.client(n)
		switch {
		case c.phase == bound:
			slowest = max(slowest, c.waited)
			continue
		case time.Since(c.sent) < w.retry:
		case c.phase == requesting && time.Since(c.began) > 4*w.retry: // its server is gone
			c.phase = discovering
			fallthrough
		default:
			w.say(c)
		}
		left++
	}
	return left, slowest
}

// show names some clients that wait.
func (w *swarm) show(who []int) (text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	shown := 0
	for _, n := range who {
		if c := w.client(n); c.phase != bound && shown < 5 {
			text, shown = text+fmt.Sprintf(" %v(phase %d, %v)", c.hw, c.phase, c.addr), shown+1
		}
	}
	return text
}

// silent checks that none of the clients gets an answer for a while.
func (w *swarm) silent(what string, who []int, d time.Duration) {
	w.t.Helper()
	w.start(who)
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if left, _ := w.pursue(who); left < len(who) {
			w.t.Fatalf("%s: %d clients got a lease", what, len(who)-left)
		}
	}
}

// release has a client give its lease back; decline has it refuse the address.
func (w *swarm) release(n int) netip.Addr {
	return w.leave(n, dhcpv4.MessageTypeRelease)
}

func (w *swarm) decline(n int) netip.Addr {
	return w.leave(n, dhcpv4.MessageTypeDecline)
}

func (w *swarm) leave(n int, kind dhcpv4.MessageType) netip.Addr {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	c, addr := w.client(n), w.client(n).addr
	more := []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptServerIdentifier(c.server))}
	if kind == dhcpv4.MessageTypeDecline {
		more = append(more, dhcpv4.WithClientIP(net.IPv4zero), dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(addr.AsSlice())))
	}
	m, err := w.message(c, kind, more...)
	must(w.t, err)
	c.began = time.Now()
	w.journal.end(addr, c)
	w.send(m, c)
	c.phase, c.addr = idle, netip.Addr{}
	return addr
}

// lost is how many leases were taken back from a client by a NAK.
func (w *swarm) lost() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.clients {
		n += c.refused
	}
	return n
}

// by is how many ACKs each server sent since the last call.
func (w *swarm) by() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.answers
	w.answers = map[string]int{}
	return old
}

// owned returns numbers of clients of one server's share.
func owned(server uint8, n int) (who []int) {
	for i := 0; len(who) < n; i++ {
		if rfc3074.Hash(hwaddr(i))&1 == server {
			who = append(who, i)
		}
	}
	return who
}
