// Command needletail is the DHCPv4 appliance and the tool that controls it.
// Called by the name kea-dhcp4 it takes that program's options instead.
//
// It is wiring: it reads options, prints, and chooses exit codes.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"needletail/internal/cli"
)

// version is what `needletail version` and version-get say; a release build
// sets it by -ldflags "-X main.version=...".
var version = "0.1.0"

// env is the world a command runs in, so that tests can be one.
type env struct {
	name   string // the name it was called by
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	e := env{filepath.Base(os.Args[0]), os.Stdin, os.Stdout, os.Stderr, os.Getenv}
	code := run(ctx, e, os.Args[1:])
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code: 0 success, 1 it
// failed, 2 the command line is wrong.
func run(ctx context.Context, e env, args []string) int {
	if e.name == "kea-dhcp4" {
		return runKea(ctx, e, args)
	}
	return cli.Run(ctx, command(e), args)
}

// command builds the tree of commands.
func command(e env) *cobra.Command {
	root := &cobra.Command{
		Use:   "needletail",
		Short: "DHCPv4 appliance that reads ISC Kea's configuration",
		Long: "needletail serves DHCPv4 from an ISC Kea configuration and keeps every lease it acknowledged.\n" +
			"Called by the name kea-dhcp4 (a symbolic link) it takes the options of that program.",
		Annotations: map[string]string{cli.ManSections: manSections},
	}
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.AddCommand(serveCommand(e), checkCommand(e), versionCommand(e), ctlCommand(e), leaseCommand(e), demoCommand(e))
	return root
}

func versionCommand(e env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) { fmt.Fprintln(e.stdout, "needletail", version) },
	}
}
