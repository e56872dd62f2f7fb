package fastpath

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"needletail/internal/frame"
	"needletail/internal/netif/nettest"
)

// nicsEnv names two interfaces of this machine, joined by a cable and nobody's:
// the server's, then the client's. A veth has no zero-copy; scripts/zero-copy.sh
// sets it in a guest with virtio NICs.
const nicsEnv = "NEEDLETAIL_NICS"

// TestZeroCopy: where the driver reads and writes the memory itself, queries arrive
// and replies leave as with copies, also when all frames have been used many times.
func TestZeroCopy(t *testing.T) {
	nics := strings.Split(os.Getenv(nicsEnv), ",")
	if len(nics) != 2 {
		t.Skipf("%s names no two NICs with zero-copy, such as eth1,eth2", nicsEnv)
	}
	for _, mode := range []string{ZeroCopy, On} {
		t.Run(mode, func(t *testing.T) {
			b := newBedOf(t, func(lab *nettest.Lab, srv, cli *nettest.Namespace) error {
				if err := lab.Borrow(nics[0], srv, "srv"); err != nil {
					return err
				}
				return lab.Borrow(nics[1], cli, "cli")
			})
			p := b.open(Config{XDP: Native, AFXDP: mode}, everybody)
			a := p.Active()
			t.Log(a)
			if len(a) != 1 || a[0].Sockets == 0 || mode == ZeroCopy && a[0].ZeroCopy != a[0].Sockets {
				t.Fatal("not what was asked for")
			}
			exchangeMany(t, b, p, 40000)
		})
	}
}

// exchangeMany sends queries, a few at a time, and hears as many replies, each for
// the client that asked.
func exchangeMany(t *testing.T, b *bed, p *Path, all int) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		echo(p.Worker(0), stop, func(*frame.Query) {})
	}()
	defer func() {
		close(stop)
		<-ended
	}()
	const few = 32
	begin := time.Now()
	for at := 0; at < all; at += few {
		awaited := make(map[[6]byte]bool, few)
		for i := range few {
			mac := [6]byte{2}
			binary.BigEndian.PutUint32(mac[2:], uint32(at+i))
			awaited[mac] = true
			b.send(b.discover(mac, frame.ClientPort))
		}
		for len(awaited) > 0 {
			r, err := b.hear()
			if err != nil {
				t.Fatalf("%d of %d are missing at %d: %v; %+v", len(awaited), few, at, err, p.Worker(0).Stats())
			}
			if mac := [6]byte(r.Message[28:34]); !awaited[mac] {
				t.Fatalf("a reply for %x, who asked for none or has it", mac)
			} else {
				delete(awaited, mac)
			}
		}
	}
	t.Logf("%d exchanges in %v", all, time.Since(begin).Round(time.Millisecond))
}
