// Command needletail-bench loads DHCPv4 servers, compares them side by side in
// network namespaces, and turns what it measured into a page with plots.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"needletail/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program as if it caught none
	code := cli.Run(ctx, command(), os.Args[1:])
	os.Exit(status(ctx, code))
}

// interrupted is the exit status after a signal, as of a shell's command.
const interrupted = 130

// status is the exit status of a command line that ended with code.
func status(ctx context.Context, code int) int {
	if code != 0 && ctx.Err() != nil {
		return interrupted
	}
	return code
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "needletail-bench",
		Short: "Load DHCPv4 servers, compare them, and show the results",
	}
	root.AddCommand(runCommand(), stormCommand(), floodCommand(), compareCommand(), reportCommand())
	return root
}
