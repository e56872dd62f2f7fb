package suite

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"needletail/bench/load"
	"needletail/bench/record"
)

// A server that answered wrongly fails whatever it was measured for, and the
// record of it is kept.
func TestWrongAnswersFailAWork(t *testing.T) {
	for _, c := range []struct {
		result load.Result
		want   string
	}{
		{load.Result{Completed: 1}, ""},
		{load.Result{Completed: 1, Loss: 0.5}, ""}, // measured, and shown with its loss
		{load.Result{Completed: 1, Wrong: 3}, "3 wrong answers"},
		{load.Result{Completed: 1, Duplicates: 2}, "2 addresses went to two clients"},
	} {
		var out bytes.Buffer
		err := (&Suite{Out: &out}).write(&record.Record{Work: "storm", Result: &c.result})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || out.Len() == 0 {
			t.Errorf("%v, want %q; wrote %d bytes", err, c.want, out.Len())
		}
	}
}

func TestGoodputCountsTheOfferedTimeOnly(t *testing.T) {
	r := &load.Result{}
	for i := range 40 {
		s := load.Slice{Done: 10}
		if i >= 30 {
			s.Done = 0
		}
		r.Timeline = append(r.Timeline, s)
	}
	per, last := r.Goodput(2 * time.Second)
	if per != 100 || last != 3 {
		t.Errorf("%v a second, last at %v s; want 100, 3", per, last)
	}
}

func TestLongestLooksBetween(t *testing.T) {
	r := &load.Result{Timeline: []load.Slice{{MaxU: 900000}, {MaxU: 3000}, {MaxU: 7000}, {MaxU: 2000}, {MaxU: 800000}}}
	if got := longest(r, 100*time.Millisecond, 400*time.Millisecond); got != 7 {
		t.Errorf("%d ms, want 7", got)
	}
}

func TestTrialVerdict(t *testing.T) {
	for _, c := range []struct {
		asked, made, refused, loss float64
		ok, whole                  bool
	}{
		{1000, 1000, 1000, 0, true, true},
		{1000, 1000, 995, 0.001, true, true},
		{1000, 1000, 980, 0, false, true},
		{1000, 1000, 1000, 0.01, false, true},
		{1000, 500, 500, 0, true, false},
	} {
		f := &flooded{asked: c.asked, made: c.made, refused: c.refused, result: &load.Result{Completed: 1, Loss: c.loss}}
		if f.ok() != c.ok || f.whole() != c.whole {
			t.Errorf("%+v: ok %v, whole %v", c, f.ok(), f.whole())
		}
	}
}

func TestDiskSync(t *testing.T) {
	dir := t.TempDir()
	if d, err := diskSync(dir); err != nil || d <= 0 {
		t.Error(d, err)
	}
	if _, err := diskSync(dir + "/none"); err == nil {
		t.Error("no directory, no error")
	}
}
