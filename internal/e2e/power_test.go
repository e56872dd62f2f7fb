package e2e

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"needletail/internal/testbed"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// isRefused is what a UDP socket reports after the server's port went away.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// Killed under load ten times in a row, the server forgets no lease whose ACK
// arrived.
func TestKilledUnderLoad(t *testing.T) {
	const rounds, perRound = 10, 4000
	b := newBed(t)
	r := newRelay(t, b.host(t, "relay", "192.0.2.2/24"))
	config := b.config(`"valid-lifetime": 3600,`, "")
	before := 0
	for round := range rounds {
		a := b.serve(t, config)
		ctx := deadline(t, 30*time.Second)
		go r.clients(ctx, round*perRound, (round+1)*perRound, 20)
		// Somewhere in the middle, at another place each time.
		for r.count() < before+200+round*130 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		a.Kill()
		if ctx.Err() != nil {
			t.Fatalf("round %d: only %d ACKs:\n%s", round, r.count()-before, a.Log())
		}
		time.Sleep(20 * time.Millisecond) // what is on the wire arrives
		before = r.count()
		checkJournal(t, a.Config, r.journal(), round)
	}
	t.Logf("%d leases acknowledged in %d rounds, all found", before, rounds)
}

// checkJournal reads the lease database of a stopped server and looks for every
// promise in it.
func checkJournal(t *testing.T, config string, promised map[netip.Addr]promise, round int) {
	t.Helper()
	var stderr bytes.Buffer
	export := exec.Command(program, "lease", "export", "-c", config)
	export.Stderr = &stderr
	out, err := export.Output()
	if err != nil {
		t.Fatalf("round %d: export: %v\n%s", round, err, stderr.String())
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	must(t, err)
	if len(rows) == 0 {
		t.Fatalf("round %d: the export is empty, not even a header", round)
	}
	column := make(map[string]int)
	for i, name := range rows[0] {
		column[name] = i
	}
	have := make(map[netip.Addr][]string, len(rows))
	for _, row := range rows[1:] {
		have[netip.MustParseAddr(row[column["address"]])] = row
	}
	wrong := 0
	for addr, p := range promised {
		row, problem := have[addr], ""
		switch {
		case row == nil:
			problem = "is not there"
		case row[column["hwaddr"]] != p.mac:
			problem = "belongs to " + row[column["hwaddr"]]
		case expires(row[column["expire"]]).Before(p.expires):
			problem = fmt.Sprintf("ends at %v, promised until %v", expires(row[column["expire"]]), p.expires)
		}
		if problem != "" && wrong < 5 {
			t.Errorf("round %d: lease %s of %s %s", round, addr, p.mac, problem)
		}
		if problem != "" {
			wrong++
		}
	}
	if wrong > 0 {
		t.Fatalf("round %d: %d of %d promises broken", round, wrong, len(promised))
	}
}

func expires(text string) time.Time {
	s, _ := strconv.ParseInt(text, 10, 64)
	return time.Unix(s, 0)
}

// A full disk: clients get no ACK, one line says so, nothing dies, and service
// resumes when there is room again.
func TestDiskFull(t *testing.T) {
	b := newBed(t)
	r := newRelay(t, b.host(t, "relay", "192.0.2.2/24"))
	disk := testbed.Tmpfs(t, "320m") // the store keeps a reserve of 192 MiB
	config := strings.ReplaceAll(b.config(`"valid-lifetime": 3600, "user-context": { "needletail": { "metrics": "127.0.0.1:9547" } },`, ""), b.Dir+"/leases.csv", disk+"/leases.csv")
	a := b.serve(t, config)
	ctx := deadline(t, 60*time.Second)
	r.clients(ctx, 0, 100, 20)
	waitFor(t, "the first ACKs", func() bool { return r.count() == 100 })
	free := testbed.Fill(t, disk)
	r.clients(ctx, 1000, 1100, 20)
	must(t, a.Says(ctx, "leases cannot be written"))
	time.Sleep(300 * time.Millisecond)
	acked := r.count()
	if acked == 200 {
		t.Error("clients got ACKs although nothing can be written")
	}
	r.clients(ctx, 2000, 2100, 20)
	time.Sleep(300 * time.Millisecond)
	if n := strings.Count(a.Log(), "leases cannot be written"); n != 1 {
		t.Errorf("%d lines say that leases cannot be written, want 1", n)
	}
	if metrics := scrape(t, b); !strings.Contains(metrics, "needletail_leases_writable 0") || strings.Contains(metrics, "needletail_commit_failures_total 0") {
		t.Errorf("metrics do not tell of it:\n%s", metrics)
	}
	free()
	waitFor(t, "ACKs after there is room", func() bool {
		r.clients(ctx, 3000, 3020, 20)
		return r.count() >= acked+20
	})
	must(t, a.Says(ctx, "leases are written again"))
	if !strings.Contains(scrape(t, b), "needletail_leases_writable 1") {
		t.Error("metrics still say that leases cannot be written")
	}
	must(t, a.Stop())
	checkJournal(t, a.Config, r.journal(), 0)
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no %s in 10 s", what)
}
