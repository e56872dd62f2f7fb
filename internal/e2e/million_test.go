package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/testbed"
	"needletail/leases"
	"needletail/slowpath"
)

// A server that holds one million leases, with AF_XDP on, answers a new client
// and is no larger than residentMax: leases, frames and everything else.
func TestMillionLeases(t *testing.T) {
	const count, residentMax = 1_000_000, 200_000_000
	b := newBed(t)
	r := newRelay(t, b.host(t, "relay", "192.0.2.2/24"))
	text := b.config(`"valid-lifetime": 86400, "user-context": { "needletail": { "fast-path": { "xdp": "native" } } },`, "")
	text = strings.ReplaceAll(text, "192.0.0.0/16", "10.0.0.0/8")
	text = strings.ReplaceAll(text, "192.0.16.0 - 192.0.255.254", "10.16.0.0 - 10.47.255.255")
	b.fill(t, text, netip.MustParseAddr("10.16.0.0"), count)

	begun := time.Now()
	a := b.serve(t, text)
	go r.clients(deadline(t, 30*time.Second), count, count+1, 1)
	waitFor(t, "the first ACK", func() bool { return r.count() == 1 })
	took, resident := time.Since(begun), memory(t, a)
	t.Logf("first lease after %v; %d MB resident", took.Round(time.Millisecond), resident/1e6)
	if known := statistic(t, a, "subnet[1].assigned-addresses"); known != fmt.Sprint(count+1) {
		t.Errorf("the server knows %s leases, want the %d of its store and the new one", known, count)
	}
	if status, err := a.Command("status-get", ""); err != nil || !strings.Contains(string(status.Arguments), `"af-xdp":"copy"`) {
		t.Errorf("no AF_XDP: %v\n%s", err, status.Arguments)
	}
	if resident > residentMax {
		t.Errorf("%d bytes resident with %d leases, want at most %d", resident, count, residentMax)
	}
}

// fill gives the store of a server that has not started a day's leases for
// count clients, at the addresses from first on.
func (b bed) fill(t *testing.T, text string, first netip.Addr, count int) {
	t.Helper()
	const perWrite = 500
	cfg, err := config.Parse("million", []byte(text))
	must(t, err)
	store, err := leases.Open(t.Context(), leases.Options{Dir: b.Dir + "/leases.csv.needletail", Durability: leases.None})
	must(t, err)
	_, err = slowpath.NewEngine(cfg, store, nil) // tells the store its subnets
	must(t, err)
	l := leases.Lease{Addr: first, SubnetID: 1, HType: 1, CLTT: time.Now(), ValidLft: 86400}
	var batch leases.Batch
	for n := range count {
		l.HW = mac(n)
		l.ClientID = append([]byte{1}, l.HW...)
		_, err := store.Put(&batch, &l)
		must(t, err)
		l.Addr = l.Addr.Next()
		if batch.Len() == perWrite {
			must(t, store.Write(&batch))
			batch.Reset()
		}
	}
	must(t, store.Write(&batch))
	must(t, store.Close())
}

// memory is the server's resident memory (proc(5), VmRSS) in bytes.
func memory(t *testing.T, a *testbed.Appliance) uint64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.PID()))
	must(t, err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	line, _, _ := strings.Cut(rest, "\n")
	kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	must(t, err)
	return kib << 10
}
