package transcript

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Files reads the transcripts whose paths match a pattern; there must be some.
func Files(t testing.TB, pattern string) (all []*File) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatal("no transcripts: ", pattern, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parse(name, data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

// Title is the file's name without directory and suffix.
func (f *File) Title() string { return strings.TrimSuffix(filepath.Base(f.Name), ".txt") }

// Check runs the transcript against a server, which must say what is written.
// Where a server's words may differ, expect makes of a line got and the line
// written what is wanted of it. A server that cannot do a step skips the test.
func (f *File) Check(t testing.TB, s Server, expect func(got, want string) string) {
	t.Helper()
	said, err := f.Run(s)
	if errors.Is(err, ErrCannot) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range f.Blocks {
		got, want := said[i], slices.Clone(b.Want)
		for j := range min(len(got), len(want)) {
			if expect != nil {
				want[j] = expect(got[j], want[j])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("block %d, from line %d:\ngot\n\t%s\nwant\n\t%s", i+1, b.Steps[0].Line,
				strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
}

// Rewrite writes what a server says into the file.
func (f *File) Rewrite(t testing.TB, s Server) {
	t.Helper()
	said, err := f.Run(s)
	if err == nil {
		err = os.WriteFile(f.Name, f.Format(said), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
