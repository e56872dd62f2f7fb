package logging

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// handler is one logger: a name and the attributes given to it so far.
type handler struct {
	log   *Log
	name  string
	id    string
	tail  string // attributes already in text form
	group string // prefix of attribute keys, with its dot
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.log.current.Load().find(h.name).level
}

// Handle implements slog.Handler. It returns the first error of an output and
// still writes to the others.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	own := *h
	r.Attrs(func(a slog.Attr) bool {
		own.add(a)
		return true
	})
	rule := h.log.current.Load().find(own.name)
	if r.Level < rule.level {
		return nil // the record named a quieter logger
	}
	e := entry{at: r.Time, level: severity(r.Level), logger: own.name, pid: h.log.pid, text: own.text(r.Message)}
	var first error
	for _, o := range rule.outputs {
		if err := o.write(&e); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// text is one line: whatever a message contains, the log's lines stay lines,
// and a terminal that shows them obeys nobody else.
func (h *handler) text(message string) string {
	t := message + h.tail
	if h.id != "" {
		t = h.id + " " + t
	}
	if strings.IndexFunc(t, unicode.IsControl) < 0 && utf8.ValidString(t) {
		return t
	}
	var b strings.Builder
	for _, r := range t {
		if unicode.IsControl(r) {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	for _, a := range attrs {
		next.add(a)
	}
	return &next
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	next := *h
	if name != "" {
		next.group += name + "."
	}
	return &next
}

func (h *handler) add(a slog.Attr) {
	v := a.Value.Resolve()
	switch {
	case a.Equal(slog.Attr{}):
	case h.group == "" && a.Key == "logger":
		h.name = rootName + "." + v.String()
	case h.group == "" && a.Key == "id":
		h.id = v.String()
	case v.Kind() == slog.KindGroup:
		outer := h.group
		if a.Key != "" {
			h.group += a.Key + "."
		}
		for _, member := range v.Group() {
			h.add(member)
		}
		h.group = outer
	default:
		h.tail += " " + h.group + a.Key + "=" + quoted(v)
	}
}

func quoted(v slog.Value) string {
	s := v.String()
	if v.Kind() == slog.KindAny {
		s = fmt.Sprint(v.Any())
	}
	if s == "" || strings.ContainsAny(s, " \"=") || strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return strconv.Quote(s)
	}
	return s
}

func severity(l slog.Level) string {
	switch {
	case l >= levelFatal:
		return "FATAL"
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARN"
	case l >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}
