package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

func (s *story) title(text string) { fmt.Fprintf(s.out, "\n%s\n", text) }

func (s *story) say(who, format string, a ...any) {
	fmt.Fprintf(s.out, "  %-10s %s\n", who, fmt.Sprintf(format, a...))
}

// nameOf is the server that a client heard of last.
func (s *story) nameOf(c *client) string {
	return strings.Replace(c.Server(), "192.0.2.", "server", 1)
}

// transition is a log line about a relationship's state.
var transition = regexp.MustCompile(`HA state changed .*old=(\S+) new=(\S+) .*reason="([^"]*)"`)

// reach waits until servers are in a state, in order, and shows how each came
// there, from its log.
func (s *story) reach(ctx context.Context, state string, servers ...*server) error {
	for _, v := range servers {
		for {
			log := v.app.Log()
			end := strings.LastIndexByte(log, '\n') + 1
			last := ""
			for _, m := range transition.FindAllStringSubmatch(log[v.shown:end], -1) {
				s.say(v.name, "%s -> %s: %s", m[1], m[2], m[3])
				last = m[2]
			}
			v.shown = end
			if last == state {
				break
			}
			if err := pause(ctx, "the state "+state+" of "+v.name); err != nil {
				return err
			}
		}
	}
	return nil
}

func pause(ctx context.Context, what string) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", what, ctx.Err())
	case <-time.After(20 * time.Millisecond):
		return nil
	}
}

// verdicts shows what the XDP programs of both decided.
func (s *story) verdicts() error {
	for _, v := range s.servers {
		answer, err := v.app.Command("status-get", "")
		if err != nil {
			return err
		}
		var status struct {
			Fast struct{ Verdicts map[string]uint64 } `json:"fast-path"`
		}
		if err := json.Unmarshal(answer.Arguments, &status); err != nil {
			return err
		}
		var text []string
		for _, name := range slices.Sorted(maps.Keys(status.Fast.Verdicts)) {
			if n := status.Fast.Verdicts[name]; n > 0 {
				text = append(text, fmt.Sprintf("%s %d", name, n))
			}
		}
		if text == nil {
			text = []string{"no XDP here; user space decides"}
		}
		s.say(v.name, "in the driver: %s", strings.Join(text, ", "))
	}
	return nil
}

// left waits until both servers know that only n leases are in use any more.
func (s *story) left(ctx context.Context, n int) error {
	for _, v := range s.servers {
		for {
			have, err := v.active()
			if err != nil {
				return err
			}
			if have == n {
				break
			}
			if err := pause(ctx, fmt.Sprintf("%s to have %d leases, not %d", v.name, n, have)); err != nil {
				return err
			}
		}
		s.say(v.name, "has %d leases in use", n)
	}
	return nil
}

// active is how many leases in use a server has.
func (v *server) active() (n int, err error) {
	answer, err := v.app.Command("lease4-get-all", "")
	if err != nil {
		return 0, err
	}
	var in struct{ Leases []struct{ State int } }
	if err := json.Unmarshal(answer.Arguments, &in); err != nil {
		return 0, err
	}
	for _, l := range in.Leases {
		if l.State == 0 {
			n++
		}
	}
	return n, nil
}
