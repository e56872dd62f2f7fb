package logging

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"needletail/internal/config"
)

func TestLineIsKeas(t *testing.T) {
	var out bytes.Buffer
	log := New(&out, nil, false).Logger()
	log.With("logger", "dhcp4").Info("needletail DHCPv4 server version 1 started", "id", "DHCP4_STARTED")
	log.Warn("odd\nname", "a", "b c", "n", 3, slog.Group("g", "x", "y"))
	want := regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO  \[kea-dhcp4\.dhcp4/\d+\] DHCP4_STARTED needletail DHCPv4 server version 1 started\n` +
		`[-0-9: .]{23} WARN  \[kea-dhcp4/\d+\] odd\\nname a="b c" n=3 g.x=y\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("%q", out.String())
	}
}

// Which lines come out where: the most specific logger decides.
func TestLoggersFormATree(t *testing.T) {
	var stdout, stderr bytes.Buffer
	l := New(&stdout, &stderr, false)
	err := l.Configure([]config.Logger{
		{Name: "kea-dhcp4.quiet", Severity: "ERROR"}, // outputs of the root
		{Name: "kea-dhcp4.loud", Severity: "DEBUG", DebugLevel: 40, Outputs: plain("stderr")},
		{Name: "kea-dhcp4.off", Severity: "NONE"},
		{Name: "kea-dhcp4", Severity: "WARN", Outputs: plain("stdout")},
	})
	if err != nil {
		t.Fatal(err)
	}
	root := l.Logger()
	for _, name := range []string{"", "quiet", "loud", "off", "loud.child", "loudest"} {
		log := root
		if name != "" {
			log = root.With("logger", name)
		}
		for level, text := range map[slog.Level]string{slog.LevelDebug - 41: "dbg41", slog.LevelDebug - 40: "dbg40", slog.LevelInfo: "info", slog.LevelWarn: "warn", slog.LevelError: "error", levelFatal: "fatal"} {
			log.Log(t.Context(), level, name+":"+text)
		}
	}
	check(t, "stdout", stdout.String(), ":warn", ":error", ":fatal", "quiet:error", "quiet:fatal", "loudest:warn", "loudest:error", "loudest:fatal")
	check(t, "stderr", stderr.String(), "loud:dbg40", "loud:info", "loud:warn", "loud:error", "loud:fatal",
		"loud.child:dbg40", "loud.child:info", "loud.child:warn", "loud.child:error", "loud.child:fatal")
}

// A logger named only in the record is held to its own rule too.
func TestLoggerNamedInTheRecord(t *testing.T) {
	var out bytes.Buffer
	l := New(&out, nil, false)
	l.Configure([]config.Logger{{Name: "kea-dhcp4.quiet", Severity: "ERROR", Outputs: plain("stdout")}})
	l.Logger().Info("x", "logger", "quiet")
	if out.Len() != 0 {
		t.Errorf("%q", out.String())
	}
}

func TestDebugWritesEverything(t *testing.T) {
	var out bytes.Buffer
	l := New(&out, nil, true)
	l.Configure([]config.Logger{{Name: "kea-dhcp4", Severity: "ERROR", Outputs: plain("stdout")}})
	l.Logger().Debug("seen")
	if !strings.Contains(out.String(), "seen") {
		t.Error("-d does not overrule the configured severity")
	}
}

func TestFilesRotateAndAreShared(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	l := New(nil, nil, false)
	file := []config.LogOutput{{Output: name, Pattern: "%m%n", MaxSize: rotateMin, MaxVer: 2}}
	if err := l.Configure([]config.Logger{{Name: "kea-dhcp4", Severity: "INFO", Outputs: file}, {Name: "kea-dhcp4.other", Severity: "INFO", Outputs: file}}); err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 1000)
	for i := range 1000 {
		l.Logger().With("logger", []string{"dhcp4", "other"}[i%2]).Info(fmt.Sprintf("%04d%s", i, line))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var all string
	for _, f := range []string{name + ".2", name + ".1", name} {
		b, err := os.ReadFile(f)
		if err != nil || len(b) > rotateMin {
			t.Errorf("%s: %d bytes, %v", f, len(b), err)
		}
		all += string(b)
	}
	if _, err := os.Stat(name + ".3"); err == nil {
		t.Error("maxver 2 keeps a third version")
	}
	lines := strings.Split(strings.TrimSpace(all), "\n")
	for i, l := range lines {
		if want := fmt.Sprintf("%04d", 1000-len(lines)+i); !strings.HasPrefix(l, want) {
			t.Fatalf("line %d begins %.4s, want %s: lines are lost or mixed", i, l, want)
		}
	}
}

// While no new file can be had, the log goes on in the old one and the former
// versions stay what they are.
func TestRotationThatFailsLosesNothing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	r, err := openRotating(name, rotateMin, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	line := []byte(strings.Repeat("x", 999) + "\n")
	write := func(n int) {
		for range n {
			if _, err := r.Write(line); err != nil {
				t.Fatal(err)
			}
		}
	}
	size := func(file string) int64 {
		info, err := os.Stat(file)
		if err != nil {
			return -1
		}
		return info.Size()
	}
	if err := os.Mkdir(name+".new", 0o700); err != nil {
		t.Fatal(err)
	}
	write(500)
	if size(name) != 500_000 || size(name+".1") != -1 {
		t.Errorf("%d bytes in the log and %d in its first version", size(name), size(name+".1"))
	}
	if err := os.Remove(name + ".new"); err != nil {
		t.Fatal(err)
	}
	write(150)
	if size(name) >= rotateMin || size(name+".1") < 500_000 {
		t.Errorf("%d bytes in the log and %d in its first version, once there is a new file again", size(name), size(name+".1"))
	}
}

func TestBadOutputLeavesTheOldLog(t *testing.T) {
	var out bytes.Buffer
	l := New(&out, nil, false)
	for _, o := range []string{"/nowhere/at/all/log", "syslog:bells"} {
		if err := l.Configure([]config.Logger{{Name: "kea-dhcp4", Outputs: plain(o)}}); err == nil {
			t.Errorf("%s: no error", o)
		}
	}
	l.Logger().Info("still here")
	if !strings.Contains(out.String(), "still here") {
		t.Error("the old log was given up")
	}
}

func TestPattern(t *testing.T) {
	e := &entry{level: "INFO", logger: "kea-dhcp4", pid: 7, text: "hello"}
	for form, want := range map[pattern]string{
		"%p|%-6p|%6p|%m%n": "INFO|INFO  |  INFO|hello\n",
		"%c %i %t %%":      "kea-dhcp4 7 7 %",
		"%d{%Y-%j %q %Q}":  "0001-001 000 000.000",
		"%d":               "0001-01-01 00:00:00",
		"no verbs":         "no verbs",
		"at the end %":     "at the end ",
		"%d{open":          "open",
		"%-":               "",
	} {
		if got := form.format(e); got != want {
			t.Errorf("%q: %q, want %q", form, got, want)
		}
	}
}

// What no configuration sends elsewhere goes where the environment says.
func TestSendTo(t *testing.T) {
	var stdout, stderr bytes.Buffer
	file := filepath.Join(t.TempDir(), "log")
	for _, to := range []string{"stderr", file, ""} {
		l := New(&stdout, &stderr, false)
		if err := l.SendTo(to); err != nil {
			t.Fatal(err)
		}
		l.Logger().Info("early")
		for _, loggers := range [][]config.Logger{nil, {{Name: "kea-dhcp4", Severity: "WARN"}}, {{Name: "kea-dhcp4", Severity: "WARN", Outputs: plain("stdout")}}} {
			if err := l.Configure(loggers); err != nil {
				t.Fatal(err)
			}
			l.Logger().Warn("later")
		}
		l.Close()
		got := stdout.String() + "|" + stderr.String()
		if to == file {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got = stdout.String() + "|" + string(b)
		}
		want := `^later\n\|.*early\n.*later\n.*later\n$`
		if to == "" {
			want = `^.*early\n.*later\n.*later\nlater\n\|$`
		}
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%q: %q", to, got)
		}
		stdout.Reset()
		stderr.Reset()
	}
	if New(nil, nil, false).SendTo(filepath.Join(file, "in", "a", "file")) == nil {
		t.Error("a file in no directory was opened")
	}
}

func TestSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	daemon, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer daemon.Close()
	l := New(nil, nil, false)
	l.syslog = path
	if err := l.Configure([]config.Logger{{Name: "kea-dhcp4", Severity: "INFO", Outputs: []config.LogOutput{{Output: "syslog:local5"}}}}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	buf := make([]byte, 1000)
	for level, want := range map[slog.Level]string{
		slog.LevelError: `^<171>.* kea-dhcp4\[\d+\]: ERROR \[kea-dhcp4\.\d+\] said\n?$`, // local5 is 21, error is 3
		slog.LevelWarn:  `^<172>.* WARN  `,
		slog.LevelInfo:  `^<174>.* INFO  `,
	} {
		l.Logger().Log(t.Context(), level, "said")
		n, err := daemon.Read(buf)
		if err != nil || !regexp.MustCompile(want).Match(buf[:n]) {
			t.Errorf("%v: %q, %v", level, buf[:n], err)
		}
	}
}

// What clients and partners send may end up in a line; it must not act on the
// terminal that shows the log, nor make lines of its own.
func TestLinesObeyNobody(t *testing.T) {
	for text, want := range map[string]string{
		"a\rb":           `a\rb`,
		"\x1b[2Jgone":    `\x1b[2Jgone`,
		"a\nINFO forged": `a\nINFO forged`,
		"nul\x00, \x9b":  "nul\\x00, \ufffd",
		"c1 \u009b":      `c1 \u009b`,
		"größe":          "größe",
	} {
		var out bytes.Buffer
		l := New(&out, nil, false)
		if err := l.Configure([]config.Logger{{Name: "kea-dhcp4", Severity: "INFO", Outputs: plain("stdout")}}); err != nil {
			t.Fatal(err)
		}
		l.Logger().Info(text)
		if out.String() != want+"\n" {
			t.Errorf("%q: %q, want %q", text, out.String(), want)
		}
		out.Reset()
		l.Logger().Info("host", "name", text)
		if bytes.IndexFunc(bytes.TrimSuffix(out.Bytes(), []byte("\n")), unicode.IsControl) >= 0 {
			t.Errorf("%q as an attribute: %q", text, out.String())
		}
	}
}

func plain(output string) []config.LogOutput {
	return []config.LogOutput{{Output: output, Pattern: "%m%n"}}
}

func check(t *testing.T, name, got string, want ...string) {
	t.Helper()
	set := make(map[string]bool)
	for _, l := range strings.Fields(got) {
		set[l] = true
	}
	for _, w := range want {
		if !set[w] {
			t.Errorf("%s lacks %s", name, w)
		}
		delete(set, w)
	}
	for extra := range set {
		t.Errorf("%s has %s", name, extra)
	}
}
