package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"needletail/bench/record"
	"needletail/bench/report"
)

func reportCommand() *cobra.Command {
	dir, markdown := "report", ""
	c := &cobra.Command{
		Use:   "report FILE...",
		Short: "Turn records of one or several runs into report.html and PNG plots",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			all, err := records(files)
			if err != nil {
				return err
			}
			if markdown != "" {
				if err := report.Regenerate(markdown, all); err != nil {
					return err
				}
			}
			if err := report.Write(dir, all); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d records: %s/report.html\n", len(all), dir)
			return nil
		},
	}
	c.Flags().StringVarP(&dir, "output", "o", dir, "directory for the page and the plots")
	c.Flags().StringVar(&markdown, "markdown", "", "Markdown file whose generated part is written anew")
	return c
}

func records(files []string) ([]record.Record, error) {
	var all []record.Record
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		some, err := record.Read(f, name)
		f.Close()
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}
