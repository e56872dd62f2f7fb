package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the cases in testdata/cases now give; read the diff first")

// Each file of testdata/cases holds configurations and what is said about
// them: problems, or "ok" and warnings. A case is a line "## what it shows",
// the configuration, a line "----" and the verdict.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	t.Chdir("testdata/cases")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runCases(t, filepath.Base(file)) })
	}
}

func runCases(t *testing.T, file string) {
	var out strings.Builder
	for _, c := range readCases(t, file) {
		got := verdict(c.config)
		fmt.Fprintf(&out, "## %s\n%s----\n%s\n", c.title, c.config, got)
		if got != c.want && !*rewrite {
			t.Errorf("%s:\n%s\ngot:\n%swant:\n%s", c.title, c.config, got, c.want)
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type testCase struct{ title, config, want string }

func readCases(t *testing.T, file string) []testCase {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	for _, part := range strings.Split("\n"+string(data), "\n## ")[1:] {
		title, rest, _ := strings.Cut(part, "\n")
		config, want, ok := strings.Cut(rest, "----\n")
		if !ok && !*rewrite {
			t.Fatalf("%s: %q has no line ----", file, title)
		}
		config = strings.TrimRight(config, "\n") + "\n"
		cases = append(cases, testCase{title, config, strings.TrimRight(want, "\n") + "\n"})
	}
	return cases
}

// verdict is what Parse says, without the name of the file.
func verdict(text string) string {
	d, err := Parse("f", []byte(text))
	if err != nil {
		return err.Error() + "\n"
	}
	out := "ok\n"
	for _, w := range d.Warnings {
		out += "warning " + w.String() + "\n"
	}
	return out
}
