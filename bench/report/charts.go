package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gonum.org/v1/plot/plotter"

	"needletail/bench/load"
	"needletail/bench/record"
)

// charts finds what the records can show. Works named sweep/... are rates
// against latency and loss, timeline/... and growth/... are what they say.
func charts(all []record.Record) []chart {
	var out []chart
	for _, work := range works(all) {
		of := only(all, work)
		kind, name, _ := strings.Cut(work, "/")
		switch kind {
		case "sweep":
			if name == "refuse" {
				out = append(out, refusedChart(of))
				continue
			}
			out = append(out, latencyChart(name, of), lossChart(name, of))
		case "timeline":
			out = append(out, timelineChart(name, of))
		case "growth":
			out = append(out, growthCharts(name, of)...)
		}
	}
	return out
}

func works(all []record.Record) []string {
	set := make(map[string]bool)
	for _, r := range all {
		set[r.Work] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func sortedKeys(m map[string]float64) []string { return slices.Sorted(maps.Keys(m)) }

func only(all []record.Record, work string) []record.Record {
	var out []record.Record
	for _, r := range all {
		if r.Work == work {
			out = append(out, r)
		}
	}
	return out
}

// series groups records by server and makes a curve of each; records without
// the value are left out.
func series(of []record.Record, xy func(*record.Record) (x, y float64, ok bool)) []curve {
	by := make(map[string]plotter.XYs)
	for i := range of {
		if x, y, ok := xy(&of[i]); ok {
			n := short(&of[i])
			by[n] = append(by[n], plotter.XY{X: x, Y: y})
		}
	}
	var out []curve
	for _, n := range slices.Sorted(maps.Keys(by)) {
		slices.SortFunc(by[n], func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
		out = append(out, curve{n, by[n]})
	}
	return out
}

// label names a server with what makes it differ from itself.
func label(r *record.Record) string {
	parts := []string{r.Server.Name}
	for _, p := range []string{r.Server.Durability, r.Server.Mode} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if r.Server.Servers > 1 {
		parts = append(parts, "pair")
	}
	return strings.Join(parts, ", ")
}

// short is label for the legend of a plot, where long words hide.
func short(r *record.Record) string {
	name := r.Server.Name
	if r.Server.Name == ours {
		name += ", " + r.Server.Durability
		if mode := r.Server.Mode; strings.Contains(mode, "AF_XDP") {
			name += ", AF_XDP"
		} else if mode != "" {
			name += ", " + mode
		}
	}
	if r.Server.Servers > 1 {
		name += ", pair"
	}
	return name
}

// last returns the records of which no later one has the same server and rate:
// a search repeats a trial that failed.
func last(of []record.Record) (out []record.Record) {
	type key struct {
		server record.Server
		rate   float64
	}
	seen := make(map[key]bool)
	for i := len(of) - 1; i >= 0; i-- {
		if of[i].Result == nil || seen[key{of[i].Server, of[i].Result.Rate}] {
			continue
		}
		seen[key{of[i].Server, of[i].Result.Rate}] = true
		out = append(out, of[i])
	}
	return out
}

func latencyChart(name string, of []record.Record) chart {
	return chart{
		file: "latency-" + name, title: name + ": latency by rate", x: "exchanges begun per second", y: "p99 latency, µs",
		logX: true, logY: true,
		curves: series(last(of), func(r *record.Record) (float64, float64, bool) {
			if r.Result == nil {
				return 0, 0, false
			}
			q, ok := r.Result.Latency[heaviest(r.Result)]
			return r.Result.Rate, float64(q.P99), ok && q.Count > 0 && q.P99 > 0
		}),
	}
}

// heaviest returns the exchange a run had most of.
func heaviest(r *load.Result) string {
	name, _, _ := strings.Cut(r.Mix, ":")
	return name
}

func lossChart(name string, of []record.Record) chart {
	return chart{
		file: "loss-" + name, title: name + ": loss by offered load", x: "exchanges begun per second", y: "lost, %",
		logX: true,
		curves: series(last(of), func(r *record.Record) (float64, float64, bool) {
			if r.Result == nil {
				return 0, 0, false
			}
			return r.Result.Rate, 100 * r.Result.Loss, true
		}),
	}
}

// refusedChart shows how much of a flood servers took in.
func refusedChart(of []record.Record) chart {
	return chart{
		file: "refused", title: "out-of-scope queries refused", x: "flood, queries per second", y: "refused per second", logX: true, logY: true,
		curves: series(of, func(r *record.Record) (float64, float64, bool) {
			x, y := r.Values["flood_made_per_s"], r.Values["refused_per_s"]
			return x, y, x > 0 && y > 0
		}),
	}
}

// timelineChart shows exchanges done per second, a tenth of a second a point.
func timelineChart(name string, of []record.Record) chart {
	c := chart{file: "timeline-" + name, title: name, x: "seconds", y: "exchanges per second", bare: true}
	for i := range of {
		if of[i].Result == nil {
			continue
		}
		var pts plotter.XYs
		for n, s := range of[i].Result.Timeline {
			pts = append(pts, plotter.XY{X: float64(n) / 10, Y: float64(s.Done) * 10})
		}
		c.curves = append(c.curves, curve{short(&of[i]), pts})
	}
	return c
}

// growthCharts draws each value of the records over their Point.
func growthCharts(name string, of []record.Record) []chart {
	values := make(map[string]bool)
	for _, r := range of {
		for v := range r.Values {
			values[v] = true
		}
	}
	var out []chart
	for _, v := range slices.Sorted(maps.Keys(values)) {
		out = append(out, chart{
			file: "growth-" + name + "-" + v, title: v + " by " + name, x: name, y: v, logX: true,
			curves: series(of, func(r *record.Record) (float64, float64, bool) {
				y, ok := r.Values[v]
				return r.Point, y, ok && r.Point > 0
			}),
		})
	}
	return out
}
