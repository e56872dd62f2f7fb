package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Only a wrong command line has status 2 and is answered with the usage.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args   string
		code   int
		stderr string // its beginning
		usage  bool
	}{
		{"", 0, "", false},
		{"work x", 0, "", false},
		{"work bad", 1, "tool: it broke\n", false},
		{"work told", 3, "", false},
		{"work", 2, "tool: accepts 1 arg(s), received 0\n", true},
		{"work x y", 2, "tool: accepts 1 arg(s), received 2\n", true},
		{"work --odd x", 2, "tool: unknown flag: --odd\n", true},
		{"bogus", 2, "tool: unknown command \"bogus\" for \"tool\"\n", true},
		{"group", 0, "", false},
		{"group bogus", 2, "tool: unknown command \"bogus\" for \"tool group\"\n", true},
		{"group inner x", 2, "tool: unknown command \"x\" for \"tool group inner\"\n", true},
		{"help work", 0, "", false},
	} {
		root, group := &cobra.Command{Use: "tool"}, &cobra.Command{Use: "group"}
		group.AddCommand(&cobra.Command{Use: "inner", Args: cobra.NoArgs, Run: func(*cobra.Command, []string) {}})
		root.AddCommand(group, &cobra.Command{Use: "work", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
			return map[string]error{"bad": errors.New("it broke"), "told": Exit(3)}[args[0]]
		}})
		var stdout, stderr bytes.Buffer
		root.SetOut(&stdout)
		root.SetErr(&stderr)
		code := Run(t.Context(), root, strings.Fields(c.args))
		if code != c.code || !strings.HasPrefix(stderr.String(), c.stderr) || strings.Contains(stderr.String(), "Usage:") != c.usage {
			t.Errorf("tool %s: %d, want %d\n%s", c.args, code, c.code, &stderr)
		}
	}
}
