package main

import (
	"strings"
	"testing"

	"needletail/bench/load"
)

// A server that answers wrongly makes the command fail, whatever the rate.
func TestWrongServerFailsARun(t *testing.T) {
	if err := honest(&load.Result{Completed: 1, Failed: 5}); err != nil {
		t.Errorf("lost exchanges: %v", err)
	}
	for _, r := range []load.Result{{Wrong: 1}, {Duplicates: 1}} {
		if err := honest(&r); err == nil || !strings.Contains(err.Error(), "wrongly") {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
