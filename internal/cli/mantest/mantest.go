// Package mantest keeps the man pages of a tree of commands in step with it.
package mantest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"needletail/internal/cli"
)

// Check compares the generated pages of a section with those in dir, or with
// rewrite writes them there.
func Check(t *testing.T, root *cobra.Command, section, dir string, rewrite bool) {
	t.Helper()
	fresh := t.TempDir()
	if rewrite {
		fresh = dir
	}
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	root.DisableAutoGenTag = true
	addSections(root)
	root.CompletionOptions.DisableDefaultCmd = true
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: section, Date: &day, Source: "needletail", Manual: "needletail"}, fresh); err != nil {
		t.Fatal(err)
	}
	pages, _ := filepath.Glob(filepath.Join(fresh, "*."+section))
	if len(pages) <= len(root.Commands())/2 {
		t.Errorf("only %d pages", len(pages))
	}
	for _, page := range pages {
		want, _ := os.ReadFile(page)
		got, err := os.ReadFile(filepath.Join(dir, filepath.Base(page)))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not in step (%v): go test -run ManPages -rewrite", filepath.Base(page), err)
		}
	}
}

func addSections(c *cobra.Command) {
	if more := c.Annotations[cli.ManSections]; more != "" {
		c.Long += "\n\n" + more
	}
	for _, sub := range c.Commands() {
		addSections(sub)
	}
}
