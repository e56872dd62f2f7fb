package suite

import (
	"bytes"
	"strings"
	"testing"
)

// The generator finds its ceiling, and believes the answers of the echo: right
// client, right address, nobody's twice.
func TestCeiling(t *testing.T) {
	var out bytes.Buffer
	s := testSuite(t, &out)
	s.Clients = 50000
	if err := s.Ceiling(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"work":"ceiling"`) {
		t.Error(out.String())
	}
}
