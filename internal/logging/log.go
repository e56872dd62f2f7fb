package logging

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"needletail/internal/config"
)

// rootName is the name of the logger above all others. It is Kea's, whatever the
// program is called, so that a Kea configuration addresses it.
const rootName = "kea-dhcp4"

// levelFatal is Kea's FATAL: the server is about to end.
const levelFatal = slog.LevelError + 4

// Log owns what the log is written to. Its configuration is swapped whole.
type Log struct {
	current        atomic.Pointer[setup]
	stdout, stderr io.Writer
	debug          bool
	pid            int
	home           config.LogOutput // of lines that no configuration sends elsewhere; zero: stdout
	syslog         string           // socket of the syslog daemon; empty: the usual ones
}

// setup is one configuration: never changed once current.
type setup struct {
	rules []rule // longest name first, the root's last
	open  []io.Closer
}

// rule is what one logger of the configuration says.
type rule struct {
	name    string
	level   slog.Level
	outputs []output
}

// New returns a log that writes INFO and above to stdout, as Kea does before
// it has read its configuration. With debug everything is written, whatever a
// configuration says (option -d).
func New(stdout, stderr io.Writer, debug bool) *Log {
	l := &Log{stdout: stdout, stderr: stderr, debug: debug, pid: os.Getpid()}
	first := setup{rules: []rule{l.fallback()}}
	l.current.Store(&first)
	return l
}

func (l *Log) fallback() rule {
	return rule{rootName, l.floor(slog.LevelInfo), []output{{w: l.stdout, line: standard}}}
}

// SendTo replaces standard output as the place of lines that no configuration
// sends elsewhere, as Kea's KEA_LOGGER_DESTINATION does: stdout, stderr, syslog
// or syslog:facility, or a file. Empty changes nothing. Called before Configure.
func (l *Log) SendTo(output string) error {
	if output == "" {
		return nil
	}
	l.home = config.LogOutput{Output: output}
	return l.Configure(nil)
}

// Logger returns the root logger. A part names itself with the attribute
// "logger": log.With("logger", "ha-hooks") is kea-dhcp4.ha-hooks. An attribute
// "id" is the message's identifier and stands in front of the text.
func (l *Log) Logger() *slog.Logger { return slog.New(&handler{log: l, name: rootName}) }

// Configure opens the outputs of a configuration and then puts it in force.
// Files are opened anew, so a reload is also the moment to move them away. On
// an error the earlier configuration stays.
func (l *Log) Configure(loggers []config.Logger) error {
	next := &setup{}
	files := make(map[string]io.Writer)
	root := l.fallback()
	if l.home.Output != "" {
		out, err := l.open(l.home, files, next)
		if err != nil {
			return err
		}
		root.outputs = []output{out}
	}
	for _, c := range loggers {
		r := rule{name: c.Name, level: l.floor(threshold(c.Severity, c.DebugLevel))}
		for _, o := range c.Outputs {
			out, err := l.open(o, files, next)
			if err != nil {
				next.close()
				return err
			}
			r.outputs = append(r.outputs, out)
		}
		next.rules = append(next.rules, r)
	}
	next.complete(root)
	l.current.Swap(next).close()
	return nil
}

// complete adds the root if the configuration has none, orders the rules, and
// gives a logger without outputs those of the one above it.
func (s *setup) complete(root rule) {
	if !slices.ContainsFunc(s.rules, func(r rule) bool { return r.name == rootName }) {
		s.rules = append(s.rules, root)
	}
	slices.SortStableFunc(s.rules, func(a, b rule) int { return len(a.name) - len(b.name) })
	for i := range s.rules {
		if r := &s.rules[i]; len(r.outputs) == 0 {
			r.outputs = root.outputs
			if above := s.above(i); above != nil {
				r.outputs = above.outputs
			}
		}
	}
	slices.Reverse(s.rules)
}

// above returns the nearest rule over rules[i], which come shortest first.
func (s *setup) above(i int) *rule {
	for j := i - 1; j >= 0; j-- {
		if within(s.rules[i].name, s.rules[j].name) {
			return &s.rules[j]
		}
	}
	return nil
}

// find returns the rule for a logger: its own or the nearest above.
func (s *setup) find(name string) *rule {
	for i := range s.rules {
		if within(name, s.rules[i].name) {
			return &s.rules[i]
		}
	}
	return &s.rules[len(s.rules)-1]
}

func within(name, above string) bool {
	return name == above || strings.HasPrefix(name, above) && name[len(above)] == '.'
}

// floor lowers a level to everything when debugging was asked for.
func (l *Log) floor(level slog.Level) slog.Level {
	if l.debug {
		return min(level, slog.LevelDebug-99)
	}
	return level
}

// threshold maps Kea's severity and debuglevel (0 to 99). Debug message of
// level n are slog's LevelDebug-n.
func threshold(severity string, debug int) slog.Level {
	switch strings.ToUpper(severity) {
	case "DEBUG":
		return slog.LevelDebug - slog.Level(debug)
	case "WARN":
		return slog.LevelWarn
	case "ERROR":
		return slog.LevelError
	case "FATAL":
		return levelFatal
	case "NONE":
		return levelFatal + 1
	}
	return slog.LevelInfo
}

// Close ends writing to files; what is logged later goes to stdout.
func (l *Log) Close() error {
	return l.current.Swap(&setup{rules: []rule{l.fallback()}}).close()
}

func (s *setup) close() error {
	var all []error
	for _, c := range s.open {
		all = append(all, c.Close())
	}
	return errors.Join(all...)
}
