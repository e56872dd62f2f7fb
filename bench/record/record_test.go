package record

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"needletail/bench/load"
)

func TestRoundTrip(t *testing.T) {
	in := Record{
		Run: "a", Work: "dora", Server: Server{Name: "kea", Servers: 1}, CPU: CPU{1.5, 2.5},
		Result: &load.Result{
			Begun: load.Counts{load.DORA: 7}, Done: load.Counts{load.DORA: 6}, Lost: load.Counts{load.DORA: 1},
			Latency: map[string]load.Quantiles{"dora": {Count: 6, P99: 12}}, Timeline: []load.Slice{{Done: 6, Lost: 1, MaxU: 9}},
		},
		Values: map[string]float64{"start_ms": 12},
	}
	var b bytes.Buffer
	if err := Write(&b, &in); err != nil {
		t.Fatal(err)
	}
	out, err := Read(strings.NewReader(b.String()+"\n"), "x")
	if err != nil || len(out) != 1 {
		t.Fatal(out, err)
	}
	if !reflect.DeepEqual(out[0], in) {
		t.Errorf("got %+v\nwant %+v", out[0], in)
	}
}

func TestReadRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"{\"schema\":1}\n{": "x:2: not a record",
		"{\"schema\":99}\n": "x:1: schema 99",
		"{\"schema\":1,\"result\":{\"begun\":{\"nap\":1}}}": "no exchange \"nap\"",
	} {
		if _, err := Read(strings.NewReader(in), "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}

func TestProcess(t *testing.T) {
	for range 1 << 24 { // some work to be seen
	}
	if cpu, err := ProcessCPU(os.Getpid()); err != nil || cpu < 0 {
		t.Error(cpu, err)
	}
	if OwnCPU() <= 0 {
		t.Error("no processor time used")
	}
	if rss, err := ProcessRSS(os.Getpid()); err != nil || rss < 1<<20 {
		t.Error(rss, err)
	}
	if d := Driver("none such"); d != "unknown" {
		t.Errorf("driver of no interface: %q", d)
	}
	if m := Machine(); m.CPU == "" || m.Cores < 1 || m.Kernel == "" || m.Memory == 0 {
		t.Errorf("%+v", m)
	}
}
