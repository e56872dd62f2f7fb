package e2eha

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// program is the appliance, built once for all tests.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// beside is how many tests run at a time: they wait more than they work.
const beside = "6"

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "needletail-e2eha-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "needletail")
	if out, err := exec.Command("go", "build", "-o", program, "needletail/cmd/needletail").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the appliance: %v\n%s", err, out)
		return 1
	}
	flag.Parse()
	if err := flag.Set("test.parallel", beside); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// long skips a test that takes seconds of waiting, and lets others run beside
// it.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("waits for timers of several servers")
	}
	t.Parallel()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// patience is how long anything may take; only a broken run needs it all.
const patience = 45 * time.Second

// deadline bounds waiting.
func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// waitFor asks until ok.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
