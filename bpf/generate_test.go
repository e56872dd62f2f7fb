package bpf

import (
	"testing"

	"needletail/internal/gentest"
)

func TestGeneratedIsCommitted(t *testing.T) { gentest.Check(t, "generate.go") }
