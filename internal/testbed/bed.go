package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"needletail/internal/netif/nettest"
)

// Bed is one switch with hosts. Its goroutine is the caller's.
type Bed struct {
	Dir string // of files; removed by Close
	lab *nettest.Lab
	sw  *nettest.Namespace
	n   int // hosts so far
}

// Open makes the switch. The bed closes the lab; it may be closed again.
func Open(ctx context.Context, lab *nettest.Lab) (*Bed, error) {
	dir, err := os.MkdirTemp("", "needletail-bed-")
	if err != nil {
		return nil, err
	}
	b := &Bed{Dir: dir, lab: lab}
	if b.sw, err = lab.Namespace("switch"); err == nil {
		err = run(ctx, b.sw, "ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0")
	}
	if err == nil {
		err = b.sw.SetUp("br0", true)
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close takes the lab down, and then the files that its processes used.
func (b *Bed) Close() error { return errors.Join(b.lab.Close(), os.RemoveAll(b.Dir)) }

// Host adds a host with an interface eth0 on the switch, and an address in
// CIDR notation if one is given.
func (b *Bed) Host(ctx context.Context, name, cidr string) (*nettest.Namespace, error) {
	h, err := b.lab.Namespace(name)
	if err != nil {
		return nil, err
	}
	b.n++
	port := fmt.Sprintf("port%d", b.n)
	if err := b.lab.Veth(b.sw, port, h, "eth0"); err != nil {
		return nil, err
	}
	if err := run(ctx, b.sw, "ip", "link", "set", port, "master", "br0"); err != nil {
		return nil, err
	}
	if cidr == "" {
		return h, nil
	}
	return h, h.Address("eth0", cidr)
}

func run(ctx context.Context, n *nettest.Namespace, name string, args ...string) error {
	if out, err := n.Output(ctx, name, args...); err != nil {
		return fmt.Errorf("%s %v in %s: %w\n%s", name, args, n.Name, err, out)
	}
	return nil
}

// await asks again and again until ok, or ctx ends.
func await(ctx context.Context, what string, ok func() bool) error {
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Veth connects two hosts directly, besides the switch.
func (b *Bed) Veth(a *nettest.Namespace, nameA string, c *nettest.Namespace, nameC string) error {
	return b.lab.Veth(a, nameA, c, nameC)
}
