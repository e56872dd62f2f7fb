package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/suite"
)

// typed runs the program as if it had been typed and returns what it printed.
func typed(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := command()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// Every peer installed is measured with a relative scratch directory, as make
// bench has it, and the records become a page and a document.
func TestCompareAndReport(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	if testing.Short() {
		t.Skip("starts servers")
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "needletail"), "needletail/cmd/needletail").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Chdir(dir)
	if err := os.Mkdir("scratch", 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := typed(t, "compare", "--needletail", "needletail", "--dir", "scratch", "--work", "malformed", "-o", "x.jsonl")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	document := "<!-- needletail-bench: begin, written by `needletail-bench report --markdown` -->\n<!-- needletail-bench: end -->\n"
	if err := os.WriteFile("performance.md", []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := typed(t, "report", "--markdown", "performance.md", "-o", "page", "x.jsonl"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile("performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"needletail", "kea", "isc-dhcpd", "dnsmasq"} {
		installed := !strings.Contains(out, "not measured: "+name)
		if installed && !strings.Contains(string(text), "| malformed | "+name) {
			t.Errorf("no figure of %s in\n%s", name, out)
		}
	}
	if page, err := os.Stat("page/report.html"); err != nil || page.Size() == 0 {
		t.Error(err)
	}
}

// What cannot be measured without a peer that is missing is no failure.
func TestMissingPeerIsNoFailure(t *testing.T) {
	said := ""
	s := &suite.Suite{Say: func(f string, _ ...any) { said += f }, Trial: time.Second, Clients: load.ClientsMax}
	if err := latency(context.Background(), s, &set{}); err != nil || !strings.Contains(said, "not measured") {
		t.Errorf("%v, said %q", err, said)
	}
}

// A peer that answers wrongly is a result of the run, needletail itself is a failure
// of it, as is whatever keeps a contender from being measured.
func TestWhoseFailure(t *testing.T) {
	wrong := fmt.Errorf("failover, somebody: %w: 11 addresses went to two clients at once", load.ErrWrong)
	for _, c := range []struct {
		who    *peer.Peer
		err    error
		failed bool
		said   string
	}{
		{peer.Kea(), wrong, false, "no figure of kea here: " + wrong.Error()},
		{peer.Needletail("bin"), wrong, true, ""},
		{peer.Kea(), errors.New("ended"), true, ""},
		{peer.Kea(), nil, false, ""},
	} {
		said := ""
		s := &suite.Suite{Say: func(f string, a ...any) { said += fmt.Sprintf(f, a...) }}
		err := each(t.Context(), s, []suite.Contender{{Peer: c.who}}, func(context.Context, suite.Contender) error { return c.err })
		if (err != nil) != c.failed || strings.TrimSpace(said) != c.said {
			t.Errorf("%s, %v: returned %v, said %q", c.who.Name, c.err, err, said)
		}
	}
}
