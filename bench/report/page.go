package report

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"needletail/bench/record"
)

// Write puts report.html and the plots as PNG files into dir. The page holds
// its plots and can be sent on alone.
func Write(dir string, all []record.Record) error {
	if len(all) == 0 {
		return fmt.Errorf("report: no records to show")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	p := newPage(all)
	for _, c := range charts(all) {
		img, err := c.png()
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		name := strings.NewReplacer("/", "-", " ", "-").Replace(c.file) + ".png"
		if err := os.WriteFile(filepath.Join(dir, name), img, 0o644); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		p.Plots = append(p.Plots, figure{c.title, template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(img))})
	}
	f, err := os.Create(filepath.Join(dir, "report.html"))
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := layout.Execute(f, &p); err != nil {
		f.Close()
		return fmt.Errorf("report: %w", err)
	}
	return f.Close()
}

type page struct {
	Runs    []header
	Several bool // runs, so that rows name theirs
	Targets []judged
	Records []record.Record // those that are no trial of a search
	Plots   []figure
}

// A judged target is one row of the first table.
type judged struct {
	Run, Work, Promise, Own, Peer, Verdict string
	Class                                  string // kept, missed, open
}

func judge(all []record.Record) (rows []judged) {
	for _, t := range targets {
		j := t.judgeNewest(all)
		row := judged{j.run, t.work, t.promise, j.own, j.peer, strings.ReplaceAll(j.verdict(), "*", ""), "open"}
		switch {
		case j.open != "":
		case j.kept >= 1:
			row.Class = "kept"
		default:
			row.Class = "missed"
		}
		rows = append(rows, row)
	}
	return rows
}

func newPage(all []record.Record) page {
	p := page{Runs: headers(all), Targets: judge(all)}
	p.Several = len(p.Runs) > 1
	for _, r := range all {
		if !strings.HasPrefix(r.Work, "sweep/") {
			p.Records = append(p.Records, r)
		}
	}
	return p
}

type figure struct {
	Title string
	Data  template.URL // made here from a PNG of ours
}

//go:embed page.html
var pageHTML string

var layout = template.Must(template.New("page").Funcs(template.FuncMap{
	"label":    func(r record.Record) string { return label(&r) },
	"queries":  func(r record.Record) string { return queries(&r) },
	"heaviest": heaviest,
	"percent":  percent3,
	"count":    count,
	"figure":   figure3,
	"micros":   func(us int64) string { return micros(float64(us)) },
	"each": func(r record.Record) string {
		return fmt.Sprintf("%.1f", r.CPU.Server/float64(max(r.Result.Completed, 1))*1e6)
	},
	"work":      func(r record.Record) string { return strings.TrimPrefix(r.Work, "timeline/") + point(&r) },
	"gigabytes": func(n uint64) string { return fmt.Sprintf("%.0f", float64(n)/(1<<30)) },
}).Parse(pageHTML))
