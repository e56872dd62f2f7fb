// Command needletail-bench loads DHCPv4 servers, compares them side by side in
// network namespaces, and turns what it measured into a page with plots.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "needletail-bench:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "needletail-bench",
		Short:         "Load DHCPv4 servers, compare them, and show the results",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(runCommand(), floodCommand(), compareCommand(), reportCommand())
	return root
}
