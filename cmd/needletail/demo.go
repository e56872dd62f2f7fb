package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"needletail/internal/cli"
	"needletail/internal/demo"
)

func demoCommand(e env) *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "show the appliance at work in network namespaces", Args: cobra.NoArgs, Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			err = demo.Run(c.Context(), e.stdout, self)
			if c.Context().Err() != nil {
				fmt.Fprintln(e.stdout, "\nInterrupted. Everything is taken down again.")
				return cli.Exit(130) // as a shell reports SIGINT
			}
			return err
		},
	}
}
