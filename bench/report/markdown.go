package report

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"needletail/bench/load"
	"needletail/bench/record"
)

// The lines between which Regenerate writes. They are comments to a reader of
// Markdown.
const (
	markBegin = "<!-- needletail-bench: begin, written by `needletail-bench report --markdown` -->"
	markEnd   = "<!-- needletail-bench: end -->"
)

// Regenerate replaces what lies between the marks of a Markdown file by the
// tables of the records.
func Regenerate(file string, all []record.Record) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	begin, end := bytes.Index(old, []byte(markBegin)), bytes.Index(old, []byte(markEnd))
	if begin < 0 || end < begin {
		return fmt.Errorf("report: %s lacks the lines %q and %q, in this order", file, markBegin, markEnd)
	}
	text := slices.Concat(old[:begin+len(markBegin)], []byte("\n\n"+Markdown(all)+"\n"), old[end:])
	return os.WriteFile(file, text, 0o644)
}

// Markdown returns the targets and the measurements as tables.
func Markdown(all []record.Record) string {
	if len(all) == 0 {
		return "No records.\n"
	}
	var b strings.Builder
	for _, one := range headers(all) {
		e := one.Environment
		fmt.Fprintf(&b, "Run %s: %s, %d cores shared by generator and servers, %.0f GB, Linux %s, driver %s,\ngenerator's XDP %s. Load average before it %.1f, priority of all of it nice %d.\n\n",
			one.Run, e.CPU, e.Cores, float64(e.Memory)/(1<<30), e.Kernel, e.Driver, e.XDP, e.Busy, e.Nice)
		for _, c := range one.Commands {
			fmt.Fprintf(&b, "    %s\n", c)
		}
		b.WriteByte('\n')
	}
	writeTargets(&b, all)
	writeRates(&b, all)
	writeGrowth(&b, all)
	return b.String()
}

// commands returns what was typed, without the directories of the machine it
// was typed on.
func commands(all []record.Record) (list []string) {
	for _, r := range all {
		words := strings.Fields(r.Command)
		for i, w := range words {
			if strings.HasPrefix(w, "/") {
				words[i] = filepath.Base(w)
			}
		}
		if c := strings.Join(words, " "); c != "" && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

// A header is what all records of a run share.
type header struct {
	Run         string
	Environment record.Environment // of the first record, XDP of all
	Commands    []string
}

func headers(all []record.Record) (out []header) {
	for _, name := range runs(all) {
		var of []record.Record
		var modes []string
		for _, r := range all {
			if r.Run != name {
				continue
			}
			of = append(of, r)
			if !slices.Contains(modes, r.Environment.XDP) {
				modes = append(modes, r.Environment.XDP)
			}
		}
		h := header{name, of[0].Environment, commands(of)}
		h.Environment.XDP = strings.Join(modes, " or ")
		out = append(out, h)
	}
	return out
}

func runs(all []record.Record) (names []string) {
	for _, r := range all {
		if !slices.Contains(names, r.Run) {
			names = append(names, r.Run)
		}
	}
	return names
}

// A table writes rows that begin with the run where there are several.
type table struct {
	b    *strings.Builder
	runs bool
}

func newTable(b *strings.Builder, all []record.Record, columns ...string) table {
	t := table{b, len(runs(all)) > 1}
	t.row("run", columns...)
	t.row("---", slices.Repeat([]string{"---"}, len(columns))...)
	return t
}

func (t *table) row(run string, cells ...string) {
	if t.runs {
		cells = append([]string{run}, cells...)
	}
	fmt.Fprintf(t.b, "| %s |\n", strings.Join(cells, " | "))
}

func writeTargets(b *strings.Builder, all []record.Record) {
	rows := newTable(b, all, "work", "target", "needletail", "Kea", "verdict")
	for _, t := range targets {
		j := t.judgeNewest(all)
		rows.row(j.run, t.work, t.promise, j.own, j.peer, j.verdict())
	}
	b.WriteByte('\n')
}

// verdict says whether a promise is kept, and by how much.
func (j *judgement) verdict() string {
	switch {
	case j.open == unmeasured.open:
		return j.open
	case j.open != "":
		return "no verdict: " + j.open
	case j.kept >= 1:
		return fmt.Sprintf("kept, %.2f times the target", j.kept)
	}
	return fmt.Sprintf("**missed**, %.2f of the target", j.kept)
}

func writeRates(b *strings.Builder, all []record.Record) {
	rows := newTable(b, all, "work", "server", "queries by", "rate /s", "loss", "p50", "p99", "p99.99", "µs of server CPU each", "CPU s generator / server")
	for i := range all {
		r := &all[i]
		if r.Result == nil || strings.HasPrefix(r.Work, "sweep/") {
			continue
		}
		q := r.Result.Latency[heaviest(r.Result)]
		rows.row(r.Run, strings.TrimPrefix(r.Work, "timeline/")+point(r), label(r), queries(r),
			count(r.Result.PerSecond), lost(r.Result), micros(float64(q.P50)), micros(float64(q.P99)), micros(float64(q.P9999)),
			fmt.Sprintf("%.1f", r.CPU.Server/float64(max(r.Result.Completed, 1))*1e6), fmt.Sprintf("%.1f / %.1f", r.CPU.Generator, r.CPU.Server))
	}
	b.WriteByte('\n')
}

// lost is the share of exchanges that failed, and what was worse than that.
func lost(r *load.Result) string {
	if lies := r.Lies(); lies != "" {
		return percent3(r.Loss) + ", **" + lies + "**"
	}
	return percent3(r.Loss)
}

// queries says how the generator sent, in short.
func queries(r *record.Record) string {
	switch xdp := r.Environment.XDP; {
	case strings.Contains(xdp, "live"):
		return "live frames"
	case strings.Contains(xdp, "AF_PACKET"):
		return "AF_PACKET"
	case xdp == "":
		return "unknown"
	}
	return "AF_XDP"
}

func point(r *record.Record) string {
	if r.Point == 0 {
		return ""
	}
	return " " + count(r.Point)
}

func writeGrowth(b *strings.Builder, all []record.Record) {
	rows := newTable(b, all, "measurement", "server", "values")
	for i := range all {
		r := &all[i]
		if len(r.Values) == 0 || strings.HasPrefix(r.Work, "sweep/") {
			continue
		}
		var parts []string
		for _, name := range sortedKeys(r.Values) {
			parts = append(parts, fmt.Sprintf("%s %s", name, figure3(r.Values[name])))
		}
		rows.row(r.Run, r.Work+point(r), label(r), strings.Join(parts, ", "))
	}
}

// count writes a number with its thousands set apart, from 1,000 on with three
// significant digits at least.
func count(v float64) string {
	s := fmt.Sprintf("%.0f", math.Abs(v))
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v <= -0.5 {
		return "-" + s
	}
	return s
}

func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

func percent3(v float64) string { return fmt.Sprintf("%.3f %%", 100*v) }

// figure3 writes three significant digits at least, large numbers whole.
func figure3(v float64) string {
	if math.Abs(v) >= 100 || v == math.Trunc(v) {
		return count(v)
	}
	return fmt.Sprintf("%.3g", v)
}

// micros writes microseconds in the unit that suits them.
func micros(us float64) string {
	switch {
	case us >= 1e6:
		return fmt.Sprintf("%.2f s", us/1e6)
	case us >= 1000:
		return fmt.Sprintf("%.1f ms", us/1000)
	}
	return fmt.Sprintf("%.0f µs", us)
}
