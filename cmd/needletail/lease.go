package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"needletail/internal/cli"
	"needletail/internal/server"
)

func leaseCommand(e env) *cobra.Command {
	lease := &cobra.Command{Use: "lease", Short: "move leases between the store and Kea's lease file"}
	o := options(e)
	export := &cobra.Command{
		Use: "export [CSV]", Short: "write all leases as Kea's memfile (server stopped)", Args: cobra.MaximumNArgs(1),
		Long: "Writes all leases of configured subnets as Kea reads them, to CSV or standard output.\n" +
			"CSV is replaced whole or left as it was. The server must be stopped, and its user\n" +
			"run this. Without a lease database nothing is written and the exit status is 1.",
		RunE: func(c *cobra.Command, args []string) error {
			return server.ExportLeases(c.Context(), o, strings.Join(args, ""))
		},
	}
	imports := &cobra.Command{
		Use: "import CSV", Short: "read the leases of Kea's memfile into the store (server stopped)", Args: cobra.ExactArgs(1),
		Long: "Reads a lease file of any Kea, or standard input if CSV is -, into the store, which is\n" +
			"made if there is none. The last line of an address replaces the lease it has here, or\n" +
			"ends it; leases that the file does not name stay. Lines that cannot be used are told\n" +
			"and left out; the others are imported all the same, but the exit status is 1. The\n" +
			"server must be stopped, and its user run this.",
		RunE: func(c *cobra.Command, args []string) error { return importFrom(c.Context(), e, o, args[0]) },
	}
	for _, c := range []*cobra.Command{export, imports} {
		c.Flags().StringVarP(&o.File, "config", "c", defaultConfig, "configuration that names the lease database")
		unconfined(c, &o)
	}
	lease.AddCommand(export, imports)
	return lease
}

func importFrom(ctx context.Context, e env, o server.Options, name string) error {
	in := e.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	n, problems, err := server.ImportLeases(ctx, o, in)
	for _, p := range problems {
		fmt.Fprintf(e.stderr, "%s: %v\n", name, p)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%d leases imported, %d lines refused\n", n, len(problems))
	if len(problems) > 0 {
		return cli.Exit(1)
	}
	return nil
}
