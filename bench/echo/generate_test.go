package echo

import (
	"testing"

	"needletail/internal/gentest"
)

func TestGeneratedIsCommitted(t *testing.T) { gentest.Check(t, "doc.go") }
