package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"needletail/internal/cli/mantest"
)

var rewrite = flag.Bool("rewrite", false, "write the man pages anew; read the diff")

const manPages = "../../docs/man"

// The man pages say what the commands' flags say.
func TestManPagesAreInStep(t *testing.T) {
	root := command(env{stdin: strings.NewReader(""), getenv: func(string) string { return "" }})
	mantest.Check(t, root, "8", manPages, *rewrite)
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
	for _, variable := range []string{"KEA_PIDFILE_DIR", "KEA_LOCKFILE_DIR", "KEA_DHCP_DATA_DIR", "KEA_CONTROL_SOCKET_DIR", "KEA_LOG_FILE_DIR", "KEA_LOGGER_DESTINATION"} {
		if !strings.Contains(string(page), variable) {
			t.Errorf("kea-dhcp4.8 lacks %s", variable)
		}
	}
}
