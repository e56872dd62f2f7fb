package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"needletail/bench/load"
	"needletail/bench/record"
)

func measured(work, server, durability string, rate, cpu float64, values map[string]float64) record.Record {
	return record.Record{
		Work: work, Run: "1", Server: record.Server{Name: server, Durability: durability}, CPU: record.CPU{Server: cpu}, Values: values,
		Result: &load.Result{Mix: "dora:1", Rate: rate, PerSecond: rate, Completed: uint64(rate), Latency: map[string]load.Quantiles{"dora": {P99: 2000}}},
	}
}

func point1(server string, n, rss, start float64) record.Record {
	return record.Record{Work: "growth/leases", Run: "1", Server: record.Server{Name: server}, Point: n, Values: map[string]float64{"rss_bytes": rss, "start_ms": start}}
}

// by is a record of a server that receives in a given way.
func by(mode string, r record.Record) record.Record {
	r.Server.Mode = mode
	return r
}

// judged by hand: 70000/10000 misses 8 times, 120000/10000 keeps 10, and so on.
func whole() []record.Record {
	return []record.Record{
		measured("dora", "kea", "memfile", 10000, 1, nil),
		measured("dora", "needletail", "sync", 60000, 0.6, nil),
		by("veth, native XDP, AF_XDP (copy) on 1 of 1 queues", measured("dora", "needletail", "sync", 70000, 0.7, nil)),
		by("kernel socket", measured("dora", "needletail", "sync", 40000, 0.7, nil)),
		by("veth, native XDP, AF_XDP (copy) on 1 of 1 queues", measured("dora", "needletail", "memory", 84000, 0.7, nil)),
		by("kernel socket", measured("dora", "needletail", "memory", 60000, 0.7, nil)),
		by("veth, native XDP, kernel socket", measured("dora", "needletail", "sync", 50000, 0.7, nil)),
		measured("dora", "needletail", "os", 120000, 1, nil),
		measured("pair-dora", "kea", "memfile", 4000, 0.8, nil),
		measured("pair-dora", "needletail", "sync", 50000, 1, nil),
		measured("bridged-dora", "kea", "memfile", 10000, 1, nil),
		measured("bridged-dora", "needletail", "sync", 60000, 0.6, nil),
		measured("refuse", "kea", "memfile", 500, 1, map[string]float64{"refused_per_s": 10000, "refused_most_per_s": 12000}),
		measured("refuse", "needletail", "sync", 500, 1, map[string]float64{"refused_per_s": 600000, "refused_most_per_s": 700000}),
		measured("cpu-at-5000", "kea", "memfile", 5000, 1, map[string]float64{"server_cpu_s_per_100k": 10}),
		measured("cpu-at-5000", "needletail", "sync", 5000, 1, map[string]float64{"server_cpu_s_per_100k": 4}),
		measured("latency-at-half", "kea", "memfile", 5000, 1, nil),
		measured("latency-at-half", "needletail", "sync", 5000, 1, map[string]float64{"disk_sync_us": 1000}),
		point1("needletail", 1, 50e6, 10), point1("needletail", 1e6, 150e6, 2000), point1("needletail", 5e6, 850e6, 9000), point1("kea", 1e6, 1, 20000),
		measured("timeline/overload", "needletail", "sync", 1, 1, map[string]float64{"goodput_per_s": 60000, "peak_per_s": 70000, "peak_held_s": 10}),
	}
}

func TestTargets(t *testing.T) {
	text := Markdown(whole())
	for _, want := range []string{
		"| 7.0 times: 70,000/s | 10,000/s | **missed**, 0.88 of the target |",
		"| 12.0 times: 120,000/s | 10,000/s | kept, 1.20 times the target |",
		"| 1.8 times: 70,000/s against 40,000/s |  | kept, 1.17 times the target |",
		"| 12.5 times: 50,000/s | 4,000/s | kept, 1.25 times the target |",
		"| 50 % | 50 % | **missed**, 0.83 of the target |", // 50000/1 of 70000/0.7
		"| 60 times: 600,000/s; 50 times what Kea takes in with loss | 10,000/s; 12,000/s with loss | kept, 1.20 times the target |",
		"| the same with leases in memory, the ports alone | at least 1.5 times | 1.4 times: 84,000/s against 60,000/s |  | **missed**, 0.93 of the target |",
		"| 4.00 s, 1/2.5 | 10.00 s | **missed**, 0.50 of the target |",
		"| 2.0 ms at 5,000/s; one sync 1.0 ms | 2.0 ms | kept, 2.00 times the target |",
		"| 100 bytes | not measured | kept, 1.28 times the target |",
		"| 160 bytes | not measured | **missed**, 0.80 of the target |",
		"| 2.0 s | 20.0 s | kept, 1.50 times the target |",
		"| 86 %: 60,000/s of 70,000/s |  | kept, 1.07 times the target |",
		"| renewals inside the lease cache | at least 10 times Kea | not measured |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestRegenerate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "performance.md")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n" + markBegin + "\nold\n" + markEnd + "\nafter\n")
	for range 2 { // writing again changes nothing
		if err := Regenerate(file, whole()); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := string(b)
		if !strings.HasPrefix(s, "before\n"+markBegin) || !strings.HasSuffix(s, markEnd+"\nafter\n") || strings.Contains(s, "old") || strings.Count(s, "7.0 times") != 1 {
			t.Errorf("%s", s)
		}
	}
	write("no marks\n")
	if err := Regenerate(file, whole()); err == nil {
		t.Error("a file without marks was changed")
	}
}

func TestCount(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.4: "1,234,567", -1200: "-1,200", -0.2: "0"} {
		if got := count(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

// A trial that a search repeated is drawn once, as it was the last time.
func TestLastKeepsTheRepeatedTrial(t *testing.T) {
	a, b := measured("sweep/dora", "kea", "", 1000, 1, nil), measured("sweep/dora", "kea", "", 1000, 1, nil)
	b.Result.Loss = 0.5
	got := last([]record.Record{a, b, measured("sweep/dora", "kea", "", 2000, 1, nil)})
	if len(got) != 2 || got[1].Result.Loss != 0.5 {
		t.Errorf("%+v", got)
	}
}

func TestCommandsHideDirectories(t *testing.T) {
	r := record.Record{Command: "/opt/x/needletail-bench compare --dir /srv/y -o a.jsonl"}
	if got := commands([]record.Record{r, r}); len(got) != 1 || got[0] != "needletail-bench compare --dir y -o a.jsonl" {
		t.Errorf("%q", got)
	}
}

// Kea of yesterday and needletail of today make no ratio.
func TestRunsAreNotMixed(t *testing.T) {
	all := whole()
	today := measured("dora", "needletail", "sync", 900000, 1, nil)
	today.Run = "2"
	text := Markdown(append(all, today))
	if !strings.Contains(text, "| 7.0 times: 70,000/s | 10,000/s |") || strings.Contains(text, "90.0 times") {
		t.Error(text)
	}
	slower := measured("dora", "kea", "memfile", 100000, 1, nil)
	slower.Run = "2"
	if text := Markdown(append(all, today, slower)); !strings.Contains(text, "| 9.0 times: 900,000/s | 100,000/s |") {
		t.Error(text)
	}
}

// No verdict rests on a figure whose run shows that it is none.
func TestNoVerdictOnStainedRecords(t *testing.T) {
	of := func(work, server, durability string) func(*record.Record) bool {
		return func(r *record.Record) bool {
			return r.Work == work && r.Server.Name == server && strings.HasPrefix(r.Server.Durability, durability)
		}
	}
	for _, c := range []struct {
		which func(*record.Record) bool
		spoil func(*record.Record)
		want  string
	}{
		{of("dora", "kea", ""), func(r *record.Record) { r.Result.Loss = 0.01 }, "| 12.0 times: 120,000/s | 10,000/s | no verdict: kea: 1 % lost |"},
		{of("dora", "needletail", "os"), func(r *record.Record) { r.Result.Backlog = 900 }, "no verdict: needletail: a backlog of 900 at the end |"},
		{of("dora", "needletail", "os"), func(r *record.Record) { r.Result.Duplicates = 1 }, "no verdict: needletail: 1 addresses went to two clients"},
		{of("pair-dora", "needletail", ""), func(r *record.Record) { r.Result.Wrong = 1 }, "| 50 % | 50 % | no verdict: needletail: 1 wrong answers |"},
		{of("cpu-at-5000", "kea", ""), func(r *record.Record) { r.Result.Loss = 0.04 }, "| 4.00 s, 1/2.5 | 10.00 s | no verdict: kea: 4 % lost |"},
		{of("latency-at-half", "needletail", ""), func(r *record.Record) { r.Result.Behind = 3 }, "no verdict: needletail: the generator was 3.0 s late |"},
		{of("timeline/overload", "needletail", ""), func(r *record.Record) { r.Result.Behind = 12.3 }, "no verdict: needletail: the generator was 12.3 s late |"},
		{of("timeline/overload", "needletail", ""), func(r *record.Record) { r.Result.Skipped = 1 }, "no verdict: needletail: the generator did not begin 1 of 2 |"},
		{of("timeline/overload", "needletail", ""), func(r *record.Record) { r.Values["goodput_per_s"] = 210000 }, "| 300 %: 210,000/s of 70,000/s |  | no verdict: more than the peak, which was none |"},
		{of("timeline/overload", "needletail", ""), func(r *record.Record) { r.Values["peak_held_s"] = 2 }, "no verdict: the peak held 2 s only |"},
		{of("timeline/overload", "needletail", ""), func(r *record.Record) { r.Result.Seconds, r.Result.Loss, r.Result.Backlog = 10, 0.9, 9 }, "kept, 1.07 times the target |"},
		{of("pair-dora", "kea", ""), func(r *record.Record) { r.Result.Duplicates = 11 }, "| 0.000 %, **11 addresses went to two clients at once** |"},
		{of("timeline/reboot-storm", "needletail", ""), func(r *record.Record) { r.Result.Skipped = 10 }, "no verdict: needletail: the generator did not begin 10 of"},
	} {
		all := append(whole(), measured("timeline/reboot-storm", "needletail", "sync", 1000, 1, map[string]float64{"last_bound_s": 60}))
		for i := range all {
			if c.which(&all[i]) {
				c.spoil(&all[i])
			}
		}
		if text := Markdown(all); !strings.Contains(text, c.want) {
			t.Errorf("no %q in\n%s", c.want, text)
		}
	}
}

// Of several contenders of one kind a clean one is judged, be it slower.
func TestCleanRecordsGoFirst(t *testing.T) {
	faster := measured("dora", "needletail", "sync", 500000, 1, nil)
	faster.Result.Loss = 0.02
	if text := Markdown(append(whole(), faster)); !strings.Contains(text, "| 7.0 times: 70,000/s |") {
		t.Error(text)
	}
}

// Several runs have a header each, and every row says whose it is; one run
// needs no column.
func TestRowsNameTheirRun(t *testing.T) {
	all := whole()
	all[0].Environment = record.Environment{CPU: "First", XDP: "native, copy"}
	all[1].Environment = record.Environment{CPU: "First", XDP: "native, copy, live frames"}
	one := Markdown(all)
	for _, want := range []string{"Run 1: First,", "native, copy or native, copy, live frames", "| work | target |", "| dora | kea, memfile | AF_XDP |", "| dora | needletail, sync | live frames |"} {
		if !strings.Contains(one, want) {
			t.Errorf("one run: no %q in\n%s", want, one)
		}
	}
	second := measured("dora", "needletail", "os", 1000, 1, nil)
	second.Run, second.Command, second.Environment = "2", "again", record.Environment{CPU: "Second"}
	two := Markdown(append(all, second))
	for _, want := range []string{"Run 1: First,", "Run 2: Second,", "    again\n", "| run | work | target |", "| 1 | DORA, one server, synced before ACK |",
		"| 1 | dora | kea, memfile |", "| 2 | dora | needletail, os |", "| 1 | refuse | needletail, sync |"} {
		if !strings.Contains(two, want) {
			t.Errorf("two runs: no %q in\n%s", want, two)
		}
	}
	if err := Write(t.TempDir(), append(all, second)); err != nil {
		t.Error(err)
	}
}
