package slowpath

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// Receive passes over no interface that has a query, however many there are:
// fewer queries than asked for mean that there were no more.
func TestReceiveTakesOfAllInterfaces(t *testing.T) {
	const interfaces = 24
	b := newBed(t)
	names := []string{"s0"}
	for i := 1; i < interfaces; i++ {
		name := fmt.Sprint("s", i)
		b.must(b.lab.Veth(b.server, name, b.client, fmt.Sprint("c", i)))
		names = append(names, name)
	}
	port := b.open(OpenRaw, 1, names...).Worker(0)
	p := port.(*kernelPort)
	until(t, "all sockets are in use", func() bool {
		_, err := p.Receive(make([]frame.Query, 1), 0)
		b.must(err)
		return len(p.socket) == interfaces
	})
	for i := range interfaces {
		to := b.look(b.client, fmt.Sprint("c", i))
		b.must(unix.Sendto(b.tap, b.wire(wireQuery(uint32(i))), 0, &unix.SockaddrLinklayer{Ifindex: to.Index}))
	}
	for fd := range p.socket {
		until(t, "a query waits on each", func() bool {
			n, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ)
			return err == nil && n > 0
		})
	}
	qs := make([]frame.Query, interfaces+1)
	n, err := p.Receive(qs, 0)
	if n != interfaces || err != nil {
		t.Errorf("%d queries of %d, %v", n, interfaces, err)
	}
	p.Done(qs[:n])
}
