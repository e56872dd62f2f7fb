package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra/doc"
)

var rewrite = flag.Bool("rewrite", false, "write the man pages anew; read the diff")

const manPages = "../../docs/man"

// The man pages say what the commands' flags say.
func TestManPagesAreInStep(t *testing.T) {
	dir := t.TempDir()
	if *rewrite {
		dir = manPages
	}
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	root := command(env{stdin: strings.NewReader(""), getenv: func(string) string { return "" }})
	root.DisableAutoGenTag = true
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "8", Date: &day, Source: "needletail", Manual: "needletail"}, dir); err != nil {
		t.Fatal(err)
	}
	pages, _ := filepath.Glob(dir + "/*.8")
	if len(pages) < 6 {
		t.Errorf("only %d pages", len(pages))
	}
	for _, page := range pages {
		want, _ := os.ReadFile(page)
		got, err := os.ReadFile(filepath.Join(manPages, filepath.Base(page)))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not in step (%v): go test ./cmd/needletail -rewrite", filepath.Base(page), err)
		}
	}
}

// The page for the drop-in name is written by hand; every option is in it.
func TestKeaPageHasEveryOption(t *testing.T) {
	page, err := os.ReadFile(manPages + "/kea-dhcp4.8")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(keaUsage, "\n") {
		if option, _, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && strings.HasPrefix(option, "-") {
			letter := option[1:2]
			if !strings.Contains(string(page), ".B \\-"+letter) && !strings.Contains(string(page), ".BI \\-"+letter) {
				t.Errorf("kea-dhcp4.8 lacks -%s", letter)
			}
		}
	}
	for _, variable := range []string{"KEA_PIDFILE_DIR", "KEA_LOCKFILE_DIR", "KEA_DHCP_DATA_DIR", "KEA_CONTROL_SOCKET_DIR", "KEA_LOG_FILE_DIR"} {
		if !strings.Contains(string(page), variable) {
			t.Errorf("kea-dhcp4.8 lacks %s", variable)
		}
	}
}
