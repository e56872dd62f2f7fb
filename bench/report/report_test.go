package report

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"needletail/bench/load"
	"needletail/bench/record"
)

func sample() []record.Record {
	var all []record.Record
	for _, server := range []string{"kea", "needletail"} {
		for i := 1; i <= 4; i++ {
			all = append(all,
				record.Record{Work: "sweep/dora", Command: "cmd <" + server + ">", Server: record.Server{Name: server}, Result: &load.Result{
					Mix: "dora:1", Rate: float64(i) * 1000, Loss: float64(i) / 1000,
					Latency:  map[string]load.Quantiles{"dora": {Count: 9, P99: int64(i * 100)}},
					Timeline: []load.Slice{{Done: 100}, {Done: 50, Lost: 50}},
				}},
				record.Record{Work: "growth/leases", Server: record.Server{Name: server}, Point: float64(i) * 1e6, Values: map[string]float64{"rss_bytes": float64(i) * 1e8}})
		}
		all = append(all, record.Record{Work: "timeline/failover", Server: record.Server{Name: server, Servers: 2}, Result: all[0].Result})
	}
	return all
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, sample()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"latency-dora", "loss-dora", "timeline-failover", "growth-leases-rss_bytes"} {
		b, err := os.ReadFile(filepath.Join(dir, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(b)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"data:image/png;base64,", "cmd &lt;kea&gt;", "needletail, pair", "rss_bytes 400,000,000"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestSeriesSortsAndLeavesOut(t *testing.T) {
	c := latencyChart("dora", only(sample(), "sweep/dora"))
	if len(c.curves) != 2 || len(c.curves[0].points) != 4 || c.curves[0].points[3].Y != 400 {
		t.Errorf("%+v", c.curves)
	}
	if err := Write(t.TempDir(), nil); err == nil {
		t.Error("a report of nothing")
	}
}
