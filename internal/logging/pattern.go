package logging

import (
	"strconv"
	"strings"
	"time"
)

// entry is one line before a pattern gives it its form.
type entry struct {
	at     time.Time
	level  string
	logger string
	pid    int
	text   string
}

// pattern is Kea's pattern of an output, in log4cplus' notation: %D (local
// time) and %d (UTC) with an optional strftime form in braces, %p severity, %c
// logger, %i process, %t thread (the process: a goroutine has no number), %m
// text, %n newline, %% itself; a number after % is a width, negative to pad on
// the right.
type pattern string

// Kea's patterns where output_options gives none (Kea: logger_manager_impl.cc).
const (
	standard pattern = "%D{%Y-%m-%d %H:%M:%S.%q} %-5p [%c/%i] %m%n"
	toSyslog pattern = "%-5p [%c.%i] %m"
)

func (p pattern) format(e *entry) string {
	var b strings.Builder
	rest := string(p)
	for {
		plain, spec, ok := strings.Cut(rest, "%")
		b.WriteString(plain)
		if !ok || spec == "" {
			return b.String()
		}
		n := 0
		for n < len(spec)-1 && strings.IndexByte("-.0123456789", spec[n]) >= 0 {
			n++
		}
		width, verb := spec[:n], spec[n]
		rest = spec[n+1:]
		form := ""
		if (verb == 'D' || verb == 'd') && strings.HasPrefix(rest, "{") {
			form, rest, _ = strings.Cut(rest[1:], "}")
		}
		b.WriteString(pad(e.value(verb, form), width))
	}
}

func (e *entry) value(verb byte, form string) string {
	switch verb {
	case 'D':
		return strftime(e.at.Local(), form)
	case 'd':
		return strftime(e.at.UTC(), form)
	case 'p':
		return e.level
	case 'c':
		return e.logger
	case 'i', 't':
		return strconv.Itoa(e.pid)
	case 'm':
		return e.text
	case 'n':
		return "\n"
	case '%':
		return "%"
	}
	return ""
}

func pad(s, width string) string {
	n, err := strconv.Atoi(strings.SplitN(width, ".", 2)[0])
	switch {
	case err != nil:
		return s
	case n < 0 && len(s) < -n:
		return s + strings.Repeat(" ", -n-len(s))
	case len(s) < n:
		return strings.Repeat(" ", n-len(s)) + s
	}
	return s
}

// strftimeForms are the conversions log lines use; %q and %Q are log4cplus'
// milliseconds and milliseconds with microseconds.
var strftimeForms = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'M': "04", 'S': "05",
	'p': "PM", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'Z': "MST", 'z': "-0700",
	'F': "2006-01-02", 'T': "15:04:05", 'j': "002",
}

func strftime(t time.Time, form string) string {
	if form == "" {
		form = "%Y-%m-%d %H:%M:%S"
	}
	var b strings.Builder
	for i := 0; i < len(form); i++ {
		if form[i] != '%' || i+1 == len(form) {
			b.WriteByte(form[i])
			continue
		}
		i++
		switch layout, ok := strftimeForms[form[i]]; {
		case ok:
			b.WriteString(t.Format(layout))
		case form[i] == 'q':
			b.WriteString(t.Format(".000")[1:])
		case form[i] == 'Q':
			b.WriteString(t.Format(".000.000")[1:4] + "." + t.Format(".000000")[4:])
		case form[i] == '%':
			b.WriteByte('%')
		}
	}
	return b.String()
}
