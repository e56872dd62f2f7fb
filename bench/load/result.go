package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// slice is the resolution of a Result's timeline.
const slice = 100 * time.Millisecond

// Result is what one Run saw. Counts are of exchanges unless said otherwise.
type Result struct {
	Mix       string  `json:"mix"`
	Rate      float64 `json:"rate_asked"` // exchanges begun per second
	Seconds   float64 `json:"seconds"`    // of the schedule, or of what there was of it
	Clients   int     `json:"clients"`
	Relays    int     `json:"relays"`
	Begun     Counts  `json:"begun"`
	Done      Counts  `json:"done"`
	Lost      Counts  `json:"lost"`
	Completed uint64  `json:"completed"`
	Failed    uint64  `json:"failed"`
	PerSecond float64 `json:"rate"` // completed per second in which exchanges began
	Loss      float64 `json:"loss"` // share of the begun
	// Interrupted tells that the run was ended early: what it saw is not the whole.
	Interrupted bool `json:"interrupted,omitempty"`
	// Behind is how late the last exchange began, in seconds: more than a
	// little says that the generator, not the server, was the limit.
	Behind float64 `json:"behind_s"`
	// Backlog is the fewest exchanges that were due and not over at any moment
	// of the schedule's last quarter, so that a stall or a batch does not show
	// in it, but a queue that grows does.
	Backlog uint64 `json:"backlog"`
	// Early is the mean latency, in microseconds, of the exchanges due in the
	// schedule's first quarter.
	Early float64 `json:"early_latency_us"`

	Sent          uint64 `json:"frames_sent"`
	Received      uint64 `json:"frames_received"`
	Retransmitted uint64 `json:"retransmitted"`
	Naks          uint64 `json:"naks"`
	Skipped       uint64 `json:"skipped"`    // no client was free, or the generator too late
	Resolved      uint64 `json:"resolved"`   // ARP requests for a client's address that were answered
	LinkFull      uint64 `json:"link_full"`  // no buffer to send with
	Late          uint64 `json:"late"`       // answers nobody waited for any more, or of the wrong type
	Strangers     uint64 `json:"strangers"`  // answers to nobody of ours
	Malformed     uint64 `json:"malformed"`  // frames that are no DHCP reply
	Wrong         uint64 `json:"wrong"`      // of another address, server, time, relay or client than there should be
	Duplicates    uint64 `json:"duplicates"` // ACKs of an address that another client holds; none of them is in Wrong

	Latency  map[string]Quantiles `json:"latency_us"`
	Offer    Quantiles            `json:"offer_latency_us"` // the first half of DORA
	Timeline []Slice              `json:"timeline,omitempty"`

	Steps histogram             `json:"-"`
	hist  [exchanges]*histogram `json:"-"`
	took  time.Duration         `json:"-"`

	fewest     int64 // for Backlog, noBacklog until the last quarter
	early      int64 // for Early: sum of latencies in ns, and their number
	earlyCount int64
}

const noBacklog = math.MaxInt64

// Counts holds a number for each exchange.
type Counts [exchanges]uint64

// MarshalJSON writes the numbers that are not 0, by the exchange's name.
func (c Counts) MarshalJSON() ([]byte, error) {
	m := make(map[string]uint64)
	for e, n := range c {
		if n > 0 {
			m[Exchange(e).String()] = n
		}
	}
	return json.Marshal(m)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Counts) UnmarshalJSON(b []byte) error {
	var m map[string]uint64
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*c = Counts{}
	for name, n := range m {
		e, ok := exchangeByName(name)
		if !ok {
			return fmt.Errorf("counts: no exchange %q", name)
		}
		c[e] = n
	}
	return nil
}

// Slice is a tenth of a second of a run.
type Slice struct {
	Done uint32 `json:"done"`
	Lost uint32 `json:"lost"`
	MaxU uint32 `json:"max_us"` // longest latency of those done
}

// Quantiles are latencies in microseconds.
type Quantiles struct {
	Count uint64  `json:"count"`
	Mean  float64 `json:"mean"`
	P50   int64   `json:"p50"`
	P90   int64   `json:"p90"`
	P99   int64   `json:"p99"`
	P999  int64   `json:"p99.9"`
	P9999 int64   `json:"p99.99"`
	Max   int64   `json:"max"`
}

// histogram holds microseconds from 1 to 200 s with three digits.
type histogram struct{ h *hdrhistogram.Histogram }

func newHistogram() histogram { return histogram{hdrhistogram.New(1, 200e6, 3)} }

func (h histogram) record(ns int64) {
	_ = h.h.RecordValue(min(max(ns/1000, 1), 200e6)) // in range by the clamp
}

func (h histogram) quantiles() Quantiles {
	q := h.h.ValueAtQuantile
	return Quantiles{
		Count: uint64(h.h.TotalCount()), Mean: h.h.Mean(),
		P50: q(50), P90: q(90), P99: q(99), P999: q(99.9), P9999: q(99.99), Max: h.h.Max(),
	}
}

func newResult(cfg *Config) *Result {
	r := &Result{
		Mix: cfg.Mix.String(), Rate: cfg.Rate, Seconds: cfg.Duration.Seconds(),
		Clients: cfg.Clients, Relays: len(cfg.Relays), Steps: newHistogram(), fewest: noBacklog,
	}
	for e, w := range cfg.Mix {
		if w > 0 {
			h := newHistogram()
			r.hist[e] = &h
		}
	}
	return r
}

func (r *Result) at(ns int64) *Slice {
	i := int(ns / int64(slice))
	for len(r.Timeline) <= i {
		r.Timeline = append(r.Timeline, Slice{})
	}
	return &r.Timeline[i]
}

func (r *Result) record(e Exchange, latency, at int64) {
	r.Done[e]++
	r.Completed++
	if r.hist[e] == nil { // not of the mix: what a refused one became
		h := newHistogram()
		r.hist[e] = &h
	}
	r.hist[e].record(latency)
	if due := at - latency; due < r.schedule()/4 {
		r.early, r.earlyCount = r.early+latency, r.earlyCount+1
	}
	s := r.at(at)
	s.Done++
	s.MaxU = max(s.MaxU, uint32(min(latency/1000, 1<<32-1)))
}

func (r *Result) lost(e Exchange, at int64) {
	r.Lost[e]++
	r.Failed++
	r.at(at).Lost++
}

// schedule is how long exchanges begin, in ns.
func (r *Result) schedule() int64 { return int64(r.Seconds * 1e9) }

// open notes how many exchanges are due and not over, at a moment at which
// some are still to begin.
func (r *Result) open(n, at int64) {
	if at >= r.schedule()/4*3 {
		r.fewest = min(r.fewest, n)
	}
}

// Sustained tells whether the server, and the generator, kept up: at the end
// of the schedule no more exchanges were open than the latency of its beginning
// explains (a rate times a latency is a number under way), and the share that
// may be lost. A server with a long queue loses nothing for a while at any rate.
func (r *Result) Sustained(lossMax float64) bool {
	return float64(r.Backlog) <= r.Rate*(lossMax*r.Seconds+r.Early/1e6)
}

// behindMax is the share of a schedule that the generator may be late at its end.
const behindMax = 0.05

// Blemish says why a result is no measure of what the server can do, "" if it
// is one.
func (r *Result) Blemish(lossMax float64) string {
	switch {
	case r.Interrupted:
		return "interrupted"
	case r.Completed == 0:
		return "nothing completed"
	case r.Lies() != "":
		return r.Lies()
	case !r.inTime():
		return fmt.Sprintf("the generator was %.1f s late", r.Behind)
	case r.Loss > lossMax:
		return fmt.Sprintf("%.3g %% lost", 100*r.Loss)
	case !r.Sustained(lossMax):
		return fmt.Sprintf("a backlog of %d at the end", r.Backlog)
	}
	return ""
}

// inTime tells whether the generator began what it was asked to when it should.
func (r *Result) inTime() bool { return r.Behind <= behindMax*r.Seconds }

// ErrWrong says that a server answered wrongly; see Result.Lies.
var ErrWrong = errors.New("wrong answers")

// Lies says what of the answers was not right, "" if all were.
func (r *Result) Lies() string {
	var what []string
	if r.Duplicates > 0 {
		what = append(what, fmt.Sprintf("%d addresses went to two clients at once", r.Duplicates))
	}
	if r.Wrong > 0 {
		what = append(what, fmt.Sprintf("%d wrong answers", r.Wrong))
	}
	return strings.Join(what, ", ")
}

// Longest returns the longest latency of the exchanges done.
func (r *Result) Longest() time.Duration {
	most := uint32(0)
	for _, s := range r.Timeline {
		most = max(most, s.MaxU)
	}
	return time.Duration(most) * time.Microsecond
}

// Goodput returns the exchanges done per second within d, and the second in
// which the last one was done.
func (r *Result) Goodput(d time.Duration) (perSecond, last float64) {
	done := 0
	for i, s := range r.Timeline {
		at := float64(i+1) / 10
		if at <= d.Seconds() {
			done += int(s.Done)
		}
		if s.Done > 0 {
			last = at
		}
	}
	return float64(done) / d.Seconds(), last
}

func (r *Result) elapsed(d time.Duration) { r.took = d }

// Elapsed returns how long the run has gone on.
func (r *Result) Elapsed() time.Duration { return r.took }

func (r *Result) finish(d time.Duration) {
	r.took = d
	r.PerSecond = float64(r.Completed) / (r.Seconds + r.Behind)
	if all := r.Completed + r.Failed + r.Skipped; all > 0 {
		r.Loss = float64(r.Failed+r.Skipped) / float64(all)
	}
	if r.fewest != noBacklog {
		r.Backlog = uint64(r.fewest)
	}
	if r.earlyCount > 0 {
		r.Early = float64(r.early) / float64(r.earlyCount) / 1e3
	}
	r.Latency = make(map[string]Quantiles)
	for e, h := range r.hist {
		if h != nil {
			r.Latency[Exchange(e).String()] = h.quantiles()
		}
	}
	r.Offer = r.Steps.quantiles()
}
