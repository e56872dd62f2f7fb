package config

import (
	"math"
	"slices"
	"strings"
)

type loggerDraft struct {
	name, severity opt[string]
	debug          opt[int64]
	outputs, older *node
}

type outputDraft struct {
	output, pattern opt[string]
	size, versions  opt[int64]
	flush           opt[bool]
}

var loggerTable = table[loggerDraft]{"loggers[]", slices.Concat(
	[]key[loggerDraft]{
		word("name", func(l *loggerDraft) *opt[string] { return &l.name }),
		word("severity", func(l *loggerDraft) *opt[string] { return &l.severity }),
		number("debuglevel", 0, 99, func(l *loggerDraft) *opt[int64] { return &l.debug }),
		part("output-options", list, func(l *loggerDraft) **node { return &l.outputs }),
		part("output_options", list, func(l *loggerDraft) **node { return &l.older }).with(stateOld),
	}, contextKeys[loggerDraft]())}

var outputTable = table[outputDraft]{"output-options[]", []key[outputDraft]{
	word("output", func(o *outputDraft) *opt[string] { return &o.output }),
	word("pattern", func(o *outputDraft) *opt[string] { return &o.pattern }),
	number("maxsize", 0, math.MaxInt64, func(o *outputDraft) *opt[int64] { return &o.size }),
	number("maxver", 0, math.MaxInt32, func(o *outputDraft) *opt[int64] { return &o.versions }),
	toggle("flush", func(o *outputDraft) *opt[bool] { return &o.flush }).with(stateAccepted), // a line is one write
}}

var severities = []string{"FATAL", "ERROR", "WARN", "INFO", "DEBUG", "NONE"}

// Kea's defaults of a log file (logger_specification.h, output_option.h).
const (
	logSizeDefault     = 10240000 // bytes
	logVersionsDefault = 1
)

func (c *checker) loggers(n *node) []Logger {
	if n == nil {
		return nil
	}
	var loggers []Logger
	for _, item := range n.items {
		var d loggerDraft
		loggerTable.load(c, item, &d)
		if d.name.value == "" {
			c.fail(item, `this logger has no name, add one like "name": "kea-dhcp4"`)
		}
		l := Logger{Name: d.name.value, Severity: strings.ToUpper(d.severity.get("INFO")), DebugLevel: int(d.debug.value)}
		if !slices.Contains(severities, l.Severity) {
			c.fail(d.severity.at, "%q is not a severity, it must be one of %s", d.severity.value, strings.Join(severities, ", "))
		}
		if d.outputs != nil && d.older != nil {
			c.failKey(d.older, "output_options and output-options cannot both be given, keep output-options")
		}
		l.Outputs = append(c.outputs(d.older), c.outputs(d.outputs)...)
		loggers = append(loggers, l)
	}
	return loggers
}

func (c *checker) outputs(n *node) []LogOutput {
	if n == nil {
		return nil
	}
	var outputs []LogOutput
	for _, item := range n.items {
		var d outputDraft
		outputTable.load(c, item, &d)
		if d.output.value == "" {
			c.fail(item, `there is no output, give "stdout", "stderr", "syslog" or a file`)
		}
		outputs = append(outputs, LogOutput{
			Output: d.output.value, Pattern: d.pattern.value,
			MaxSize: d.size.get(logSizeDefault), MaxVer: int(d.versions.get(logVersionsDefault)),
			Flush: d.flush.get(true), At: item.position(c.src),
		})
	}
	return outputs
}
