package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"needletail/internal/control"
)

// ctl sends a command with its arguments to the socket that the configuration, or
// -s, names, prints the answer, and tells by its exit code whether that was a success.
func TestCtl(t *testing.T) {
	dir, err := os.MkdirTemp("", "ctl") // a short path: it holds a UNIX socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket, file := filepath.Join(dir, "s"), filepath.Join(dir, "conf")
	text := fmt.Sprintf(`{ "Dhcp4": { "control-socket": { "socket-type": "unix", "socket-name": %q } } }`, socket)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := outcome(t, nil, "ctl", "-c", file, "list-commands"); code != 1 || !strings.Contains(errs, "is the server running?") {
		t.Errorf("without a server: %d %s", code, errs)
	}
	r := control.NewRegistry()
	r.Register("answer", func(_ context.Context, args *control.Arguments) control.Response {
		return control.Response{Result: int(args.IntOr("result", 0, 9, 0)), Text: "said"}
	})
	s, err := control.ServeUnix(t.Context(), socket, r, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		args []string
		code int
		out  string // of stdout and stderr
	}{
		{[]string{"-c", file, "answer"}, 0, `"text": "said"`},
		{[]string{"-s", socket, "answer", `{"result": 3}`}, 0, `"result": 3`},
		{[]string{"-c", file, "answer", `{"result": 4}`}, 1, `"result": 4`},
		{[]string{"-c", file, "no-such"}, 1, "'no-such' command not supported"},
		{[]string{"-c", file, "answer", `{result}`}, 1, "the arguments are not JSON"},
		{[]string{"-c", file}, 2, ""},
	} {
		if code, out, errs := outcome(t, nil, append([]string{"ctl"}, c.args...)...); code != c.code || !strings.Contains(out+errs, c.out) {
			t.Errorf("ctl %q: %d %s%s", c.args, code, out, errs)
		}
	}
}
