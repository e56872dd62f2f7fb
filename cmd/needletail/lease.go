package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"needletail/internal/config"
	"needletail/internal/logging"
	"needletail/internal/server"
	"needletail/leases"
	"needletail/slowpath"
)

func leaseCommand(e env) *cobra.Command {
	lease := &cobra.Command{Use: "lease", Short: "move leases between the store and Kea's lease file"}
	var from, to string
	export := &cobra.Command{
		Use: "export [CSV]", Short: "write all leases as Kea's memfile (server stopped)", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), e, from, func(s *leases.Store) error { return exportTo(e, s, args) })
		},
	}
	imports := &cobra.Command{
		Use: "import CSV", Short: "read the leases of Kea's memfile into the store (server stopped)", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), e, to, func(s *leases.Store) error { return importFrom(e, s, args[0]) })
		},
	}
	export.Flags().StringVarP(&from, "config", "c", defaultConfig, "configuration that names the lease database")
	imports.Flags().StringVarP(&to, "config", "c", defaultConfig, "configuration that names the lease database")
	lease.AddCommand(export, imports)
	return lease
}

// withStore opens the lease database of a configuration for one job.
func withStore(ctx context.Context, e env, file string, job func(*leases.Store) error) error {
	cfg, err := config.Load(file)
	if err != nil {
		return err
	}
	dirs := server.DirsFrom(e.getenv)
	if cfg, err = dirs.Place(cfg); err != nil {
		return err
	}
	store, err := server.OpenStore(ctx, cfg, logging.New(e.stderr, e.stderr, false).Logger())
	if err != nil {
		return err
	}
	if _, err := slowpath.NewEngine(cfg, store, nil); err != nil { // tells the store its subnets
		return errors.Join(err, store.Close())
	}
	return errors.Join(job(store), store.Close())
}

func exportTo(e env, s *leases.Store, args []string) error {
	if len(args) == 0 {
		return s.ExportCSV(e.stdout)
	}
	return s.ExportFile(args[0])
}

func importFrom(e env, s *leases.Store, name string) error {
	var in io.Reader = e.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	n, problems, err := s.ImportCSV(in)
	for _, p := range problems {
		fmt.Fprintf(e.stderr, "%s: %v\n", name, p)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%d leases imported, %d lines refused\n", n, len(problems))
	if len(problems) > 0 {
		return exit(1)
	}
	return nil
}
