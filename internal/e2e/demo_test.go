package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"needletail/internal/netif/nettest"
)

// The demonstration runs to its end, and leaves nothing behind, whether it is
// let or interrupted in the middle.
func TestDemoLeavesNothing(t *testing.T) {
	for _, c := range []struct {
		name, interruptAt, says string
		code                    int
	}{
		{"to the end", "", "Everything is taken down again. For real:", 0},
		{"interrupted among clients", "4. They renew", "Interrupted. Everything is taken down again.", 130},
		{"interrupted at the start", "1. A network", "Interrupted. Everything is taken down again.", 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			nettest.ForTest(t) // root
			for _, p := range []string{"dhclient", "udhcpc"} {
				if _, err := exec.LookPath(p); err != nil {
					t.Skipf("%s is not installed (make deps)", p)
				}
			}
			tmp, err := os.MkdirTemp("", "nt") // short: a socket's path has 107 bytes
			must(t, err)
			defer os.RemoveAll(tmp)
			before := namespaces(t)
			code, out := runDemo(t, tmp, c.interruptAt)
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, out)
			}
			if left, _ := filepath.Glob(tmp + "/*"); len(left) > 0 {
				t.Errorf("files are left: %v", left)
			}
			if after := namespaces(t); len(after) > len(before) {
				t.Errorf("namespaces are left: %v, before %v", after, before)
			}
			if left := processesWith(t, tmp); len(left) > 0 {
				t.Errorf("processes are left: %q", left)
			}
		})
	}
}

// runDemo runs it, sends SIGINT once it has printed `at`, and returns how it
// ended.
func runDemo(t *testing.T, tmp, at string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(deadline(t, 90*time.Second), program, "demo")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	out := &watched{text: at, act: func() { cmd.Process.Signal(syscall.SIGINT) }}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.buf.String()
}

// watched acts once when a text has been written. exec's copying goroutine is
// its only user until Run returns.
type watched struct {
	buf  bytes.Buffer
	text string
	act  func()
	done bool
}

func (w *watched) Write(p []byte) (int, error) {
	w.buf.Write(p)
	if w.text != "" && !w.done && strings.Contains(w.buf.String(), w.text) {
		w.done = true
		w.act()
	}
	return len(p), nil
}

// namespaces lists those that demonstrations make, of any process that is gone:
// tests of other packages make some at the same time.
func namespaces(t *testing.T) (gone []string) {
	t.Helper()
	all, _ := filepath.Glob("/run/netns/nt*-*")
	for _, n := range all {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(n), "nt"), "-")
		if _, err := os.Stat("/proc/" + pid); err != nil {
			gone = append(gone, n)
		}
	}
	return gone
}

// processesWith lists the command lines that contain text.
func processesWith(t *testing.T, text string) (found []string) {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range all {
		if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, []byte(text)) {
			found = append(found, strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return found
}
