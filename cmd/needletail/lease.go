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
		RunE: func(c *cobra.Command, args []string) error {
			return server.ExportLeases(c.Context(), o, strings.Join(args, ""))
		},
	}
	imports := &cobra.Command{
		Use: "import CSV", Short: "read the leases of Kea's memfile into the store (server stopped)", Args: cobra.ExactArgs(1),
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
