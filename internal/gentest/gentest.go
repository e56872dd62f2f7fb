// Package gentest checks that generated BPF code which is committed is what its
// sources make. It is for tests only and owns nothing.
package gentest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Check runs the go:generate directive of a file of the package under test and
// wants the two files it makes to be those of the package, byte for byte. Other
// compilers than Debian 12's make other bytes, so without that one it skips.
//
// The test must not write where other packages' builds read, so it does not run
// go generate itself.
func Check(t *testing.T, file string) {
	t.Helper()
	needCompiler(t)
	again := t.TempDir()
	command := strings.Replace(directive(t, file), "bpf2go ", "bpf2go -output-dir "+again+" ", 1)
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	names, err := filepath.Glob(filepath.Join(again, "*"))
	if err != nil || len(names) != 2 {
		t.Fatalf("generated files: %q, %v", names, err)
	}
	for _, name := range names {
		if committed := filepath.Base(name); !bytes.Equal(read(t, name), read(t, committed)) {
			t.Errorf("%s is not what the sources make: run go generate here and commit it", committed)
		}
	}
}

func needCompiler(t *testing.T) {
	t.Helper()
	version, err := exec.Command("clang-14", "--version").Output()
	if err != nil {
		t.Skip("clang-14 is not installed (Debian 12: clang-14, llvm-14, libbpf-dev)")
	}
	if !strings.Contains(string(version), "Debian") || !strings.Contains(string(version), "14.0.6") {
		t.Skipf("clang-14 is not Debian 12's: %s", strings.SplitN(string(version), "\n", 2)[0])
	}
	if _, err := os.Stat("/usr/include/bpf/bpf_helpers.h"); err != nil {
		t.Skip("libbpf-dev is not installed")
	}
}

func directive(t *testing.T, file string) string {
	t.Helper()
	const mark = "//go:generate "
	for line := range strings.Lines(string(read(t, file))) {
		if command, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimSpace(command)
		}
	}
	t.Fatalf("%s generates nothing", file)
	return ""
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
