package main

import (
	"flag"
	"testing"

	"needletail/internal/cli/mantest"
)

var rewrite = flag.Bool("rewrite", false, "write the man pages anew; read the diff")

// The man pages say what the commands' flags say.
func TestManPagesAreInStep(t *testing.T) {
	t.Setenv("TMPDIR", "") // it is a default in a page
	mantest.Check(t, command(), "1", "../../docs/man", *rewrite)
}
