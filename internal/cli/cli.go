// Package cli is what the programs share of a command line: exit codes, and
// what becomes of a line that is wrong. It knows no command.
package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// ManSections is the annotation of a command whose man page has sections, in
// Markdown, that its help has not.
const ManSections = "man-sections"

// Exit is an error that has been told already and only has a code.
type Exit int

// Error implements error.
func (e Exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Run executes one command line, tells what went wrong, and returns the exit
// code: 0 success, 1 it failed, 2 the command line is wrong.
func Run(ctx context.Context, root *cobra.Command, args []string) int {
	root.SilenceUsage, root.SilenceErrors = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.InitDefaultHelpCmd()
	root.SetFlagErrorFunc(misuse)
	tellMisuse(root)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code Exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(root.ErrOrStderr(), "%s: %v\n", root.Name(), err)
	return 1
}

// misuse answers a wrong command line with what would be right.
func misuse(c *cobra.Command, err error) error {
	fmt.Fprintf(c.ErrOrStderr(), "%s: %v\n%s", c.Root().Name(), err, c.UsageString())
	return Exit(2)
}

// tellMisuse has all commands answer wrong arguments as they do wrong flags. One
// that only has others below it shows its help, and takes no word for one of
// them that is not.
func tellMisuse(c *cobra.Command) {
	args := c.Args
	if c.HasSubCommands() && !c.Runnable() {
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		args = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
			}
			return nil
		}
	}
	if args != nil {
		c.Args = func(c *cobra.Command, given []string) error {
			if err := args(c, given); err != nil {
				return misuse(c, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		tellMisuse(sub)
	}
}
