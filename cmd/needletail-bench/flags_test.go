package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is asked for and cannot be is refused by name, before anything is sent
// or written.
func TestBadInputIsRefused(t *testing.T) {
	run := []string{"run", "-i", "lo", "--server", "192.0.2.1", "--server-mac", "02:00:00:00:00:01"}
	storm := append([]string{"storm"}, run[1:]...)
	flood := []string{"flood", "-i", "lo", "--server-mac", "02:00:00:00:00:01"}
	compare := []string{"compare", "--needletail", os.Args[0]}
	for _, c := range []struct {
		command []string
		args    string
		want    string
	}{
		{run, "--rate NaN", "rate: NaN"},
		{run, "--rate Inf", "rate: +Inf"},
		{run, "--rate -5", "rate: -5"},
		{run, "--rate 0.01", "not one exchange"},
		{run, "--bind -5", "--bind -5"},
		{run, "--bind 5 --clients 4", "--bind 5"},
		{run, "--mix renew", "--bind"},
		{run, "--search --retransmit", "--retransmit with --search"},
		{run, "--retry-every -1s", "--retry-every"},
		{run, "--search --retry-every 1s", "--search"},
		{run, "--back-off 1s", "--back-off: only"},
		{storm, "--within 0s", "--within"},
		{run, "--pid 2147483647", "--pid 2147483647"},
		{run, "--relay 192.0.2.77", "192.0.2.77 is no address of this machine"},
		{run, "--queues 0", "queues: 0"},
		{flood, "", "lo: not an Ethernet interface"},
		{flood, "-r -5", "--rate -5"},
		{flood, "-r NaN", "--rate NaN"},
		{flood, "-d 0s", "--duration 0s"},
		{compare, "--work dorra", `--work "dorra": want some of ceiling, dora`},
		{compare, "--peer keaa", `--peer "keaa": want some of kea`},
		{compare, "--variant synk", `--variant "synk": want some of sync`},
		{compare, "--trial 0s", "--trial"},
	} {
		records := filepath.Join(t.TempDir(), "old.jsonl")
		if err := os.WriteFile(records, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		args := append(c.command[:len(c.command):len(c.command)], strings.Fields(c.args)...)
		if c.command[0] != "flood" {
			args = append(args, "-o", records)
		}
		if _, err := typed(t, args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", args, err, c.want)
		}
		if left, err := os.ReadFile(records); err != nil || string(left) != "old" {
			t.Errorf("%v: left %q of old records, %v", args, left, err)
		}
	}
}
