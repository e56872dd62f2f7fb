package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestUnixAnswersABareMap(t *testing.T) {
	r := NewRegistry()
	r.Register("echo", func(_ context.Context, args *Arguments) Response { return Response{Arguments: args.Map()} })
	r.Register("many", fixed(Response{Arguments: Stream(manyLeases)}))
	path := serveUnix(t, r)
	for _, c := range []struct{ name, send, want string }{
		{"one command", `{"command":"list-commands"}`, `{"result":0,"arguments":["echo","list-commands","many"]}`},
		{"in pieces and lines", "{\"command\":|\"echo\",\n \"arguments\": {|\"a\": [1, 2] } }\n", `{"result":0,"arguments":{"a":[1,2]}}`},
		{"unknown", `{"command":"no-such"}`, `{"result":2,"text":"'no-such' command not supported."}`},
		{"no map", `[]`, `{"result":1,"text":"Error during command processing: Invalid command Element specified, expected map"}`},
		{"no command", `{}`, `{"result":1,"text":"Error during command processing: 'command' parameter is missing"}`},
		{"command no string", `{"command":5}`, `{"result":1,"text":"Error during command processing: 'command' parameter must be a string"}`},
		{"extra member", `{"command":"echo","extra":1}`, `{"result":1,"text":"Error during command processing: Received command contains unsupported parameter 'extra'"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ask(t, path, c.send); !sameJSON(t, got, c.want) {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
	if got := ask(t, path, "}"); !strings.Contains(got, `"result":1`) {
		t.Errorf("broken JSON: %s", got)
	}
	if got := ask(t, path, `{"command":"many"}`); !json.Valid([]byte(got)) || len(got) < 1<<20 {
		t.Errorf("stream of %d bytes", len(got))
	}
}

// Without descriptors nobody is accepted, and afterwards everybody again.
func TestUnixOutlivesDescriptors(t *testing.T) {
	path := serveUnix(t, NewRegistry())
	ask(t, path, `{"command":"list-commands"}`) // answered: nothing is left to be accepted, which would take ours
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	var taken []int
	free := func() {
		for _, fd := range taken {
			unix.Close(fd)
		}
		taken = nil
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
			t.Error(err)
		}
	}
	defer free()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	for {
		fd, err := unix.Dup(1)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	unix.Close(taken[len(taken)-1]) // for our end of the connection
	taken = taken[:len(taken)-1]
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	time.Sleep(10 * time.Millisecond) // for the accept that fails
	free()
	if got := ask(t, path, `{"command":"list-commands"}`); !strings.Contains(got, `"result":0`) {
		t.Errorf("afterwards: %s", got)
	}
}

// A peer that sends half a command and stays does not hold up Close.
func TestUnixCloseEndsConnections(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	s, err := ServeUnix(t.Context(), path, NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, `{"command":`)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, f := range []string{path, path + ".lock"} {
		if _, err := os.Lstat(f); !os.IsNotExist(err) {
			t.Errorf("%s is left behind: %v", f, err)
		}
	}
}

func TestUnixSocketFile(t *testing.T) {
	path := serveUnix(t, NewRegistry())
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := ServeUnix(t.Context(), path, NewRegistry(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("a second server on the same socket: %v", err)
	}
}

func TestUnixStaleAndForbiddenPaths(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close() // as after SIGKILL: the file stays, nobody listens
	open := filepath.Join(dir, "open")
	os.Mkdir(open, 0o777)
	os.Chmod(open, 0o777)
	plain := filepath.Join(dir, "plain")
	os.WriteFile(plain, []byte("precious"), 0o600)
	for _, c := range []struct{ path, want string }{
		{stale, ""},
		{plain, "is no socket"},
		{filepath.Join(open, "s"), "anybody may write"},
		{filepath.Join(dir, "none", "s"), "no such file"},
		{filepath.Join(plain, "s"), "is no directory"},
		{filepath.Join(dir, strings.Repeat("x", 200)), "invalid argument"},
	} {
		s, err := ServeUnix(t.Context(), c.path, NewRegistry(), slog.New(slog.DiscardHandler))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
		if s != nil {
			s.Close()
		}
	}
	if b, _ := os.ReadFile(plain); string(b) != "precious" {
		t.Error("a file that is no socket was touched")
	}
}

func serveUnix(t *testing.T, r *Registry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sock")
	s, err := ServeUnix(t.Context(), path, r, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return path
}

// ask sends text, a write for each piece between bars, and returns the answer.
func ask(t *testing.T, path, text string) string {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	for _, piece := range strings.Split(text, "|") {
		fmt.Fprint(c, piece)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}
