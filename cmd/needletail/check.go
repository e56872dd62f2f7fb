package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"needletail/internal/cli"
	"needletail/internal/config"
	"needletail/internal/server"
)

func checkCommand(e env) *cobra.Command {
	o := options(e)
	c := &cobra.Command{
		Use: "check FILE", Short: "check a configuration; touches nothing", Args: cobra.ExactArgs(1),
		Long: "Prints one line for each problem, FILE:LINE:COLUMN: /json/path: text, and then warnings\n" +
			"about what is not supported. The exit status is 0 if serve, with the same -X or\n" +
			"none, would start with it, else 1.",
		RunE: func(_ *cobra.Command, args []string) error {
			o.File = args[0]
			return check(e.stdout, o)
		},
	}
	unconfined(c, &o)
	return c
}

// check prints what is wrong and what is ignored.
func check(w io.Writer, o server.Options) error {
	cfg, err := server.Check(o)
	if cfg != nil {
		for _, warning := range cfg.Warnings {
			fmt.Fprintf(w, "%s:%d:%d: warning: %s: %s\n", warning.At.File, warning.At.Line, warning.At.Column, warning.At.Path, warning.Text)
		}
	}
	if err == nil {
		return nil
	}
	var problems config.Problems
	if !errors.As(err, &problems) {
		fmt.Fprintln(w, err)
		return cli.Exit(1)
	}
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
	return cli.Exit(1)
}
