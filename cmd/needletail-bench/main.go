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
	code := cli.Run(ctx, command(), os.Args[1:])
	stop()
	os.Exit(code)
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "needletail-bench",
		Short: "Load DHCPv4 servers, compare them, and show the results",
	}
	root.AddCommand(runCommand(), floodCommand(), compareCommand(), reportCommand())
	return root
}
