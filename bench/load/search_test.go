package load

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// search runs a Search against a server that answers at most limit messages a
// second, on a simulated clock; the rest is lost.
func search(t *testing.T, limit int, s Search) (*Result, []float64, error) {
	t.Helper()
	g, sim := simulate(t, config("dora", 20000), time.Nanosecond)
	seen := 0
	sim.deaf = func(int) bool {
		allowed := int(float64(sim.clock) / 1e9 * float64(limit))
		if seen++; seen > allowed+limit/100+1 {
			seen--
			return true
		}
		if slack := allowed - seen; slack > limit/50 {
			seen += slack // capacity that nobody used is gone
		}
		return false
	}
	var rates []float64
	s.Progress = func(r *Result, _ bool) { rates = append(rates, r.Rate) }
	r, err := s.Run(t.Context(), g, Mix{DORA: 1})
	return r, rates, err
}

// Capacity is in messages; a DORA is two.
func TestSearchFindsTheLimit(t *testing.T) {
	r, rates, err := search(t, 8000, Search{Start: 500, Max: 1e5, LossMax: 0.001, Settle: 20 * time.Millisecond, Trial: 100 * time.Millisecond, Steps: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Rate < 1000 || r.Rate > 5000 {
		t.Errorf("found %.0f/s of about 4000/s, tried %v", r.Rate, rates)
	}
	if r.Loss > 0.001 {
		t.Errorf("the result lost %.3g", r.Loss)
	}
}

func TestSearchGoesDown(t *testing.T) {
	r, rates, err := search(t, 1000, Search{Start: 4000, Max: 1e5, LossMax: 0.001, Settle: 20 * time.Millisecond, Trial: 100 * time.Millisecond, Steps: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r.Rate >= 4000 || rates[0] != 4000 {
		t.Errorf("found %.0f/s, tried %v", r.Rate, rates)
	}
}

func TestSearchStopsAtMax(t *testing.T) {
	r, rates, err := search(t, 1e9, Search{Start: 1000, Max: 3000, LossMax: 0.001, Settle: 20 * time.Millisecond, Trial: 50 * time.Millisecond, Steps: 3})
	if err != nil {
		t.Fatal(err)
	}
	if r.Rate != 3000 {
		t.Errorf("found %.0f/s of at most 3000/s, tried %v", r.Rate, rates)
	}
}

func TestSearchGivesUp(t *testing.T) {
	g, sim := simulate(t, config("dora", 3000), time.Microsecond)
	sim.deaf = func(int) bool { return true }
	s := Search{Start: 400, Max: 1e5, LossMax: 0.001, Settle: 20 * time.Millisecond, Trial: 20 * time.Millisecond, Steps: 1}
	if _, err := s.Run(t.Context(), g, Mix{DORA: 1}); err == nil || !strings.Contains(err.Error(), "every rate from 400") {
		t.Errorf("a deaf server: %v", err)
	}
}

func TestSearchRefusesWrongServers(t *testing.T) {
	g, sim := simulate(t, config("dora", 3000), time.Microsecond)
	sim.lie = func(_ uint8, r []byte) []byte { copy(r[headersLen+offYiaddr:], []byte{10, 0, 0, 1}); return r }
	s := Search{Start: 1000, Max: 1e5, LossMax: 0.9, Settle: 20 * time.Millisecond, Trial: 50 * time.Millisecond, Steps: 1}
	if _, err := s.Run(t.Context(), g, Mix{DORA: 1}); err == nil || !strings.Contains(err.Error(), "two clients") {
		t.Errorf("one address for all: %v", err)
	}
	g, sim = simulate(t, config("dora", 3000), time.Microsecond)
	sim.lie = func(kind uint8, r []byte) []byte {
		if kind == request {
			r[headersLen+offYiaddr]++ // not what was offered
		}
		return r
	}
	if _, err := s.Run(t.Context(), g, Mix{DORA: 1}); !errors.Is(err, ErrWrong) {
		t.Errorf("wrong answers at every rate: %v", err)
	}
}

// Only clients that are asked for take part.
func TestOnly(t *testing.T) {
	cfg := config("dora", 1000)
	cfg.Only = func(id []byte) bool { return len(id) == 7 && id[0] == 1 && id[6]%2 == 0 }
	e := &echo{}
	odd := 0
	e.deaf = func(int) bool {
		if e.buf[headersLen+offChaddr+5]%2 == 1 {
			odd++
		}
		return false
	}
	if r := run(t, cfg, e); odd != 0 || r.Completed == 0 {
		t.Errorf("%d messages of clients that do not take part, %d exchanges", odd, r.Completed)
	}
}

// Relayed queries carry giaddr and option 82, and share the relays evenly.
func TestRelayedQueries(t *testing.T) {
	cfg := config("dora", 1000)
	cfg.Relays = append(cfg.Relays, cfg.Server.Next(), cfg.Server.Next().Next())
	from := make(map[[4]byte]int)
	e := &echo{}
	e.deaf = func(int) bool {
		m := e.buf[headersLen:]
		from[[4]byte(m[offGiaddr:])]++
		if !strings.Contains(string(m[fixedLen:fixedLen+100]), string([]byte{82, 6, 1, 4})) {
			t.Error("no option 82")
		}
		return false
	}
	run(t, cfg, e)
	if a, b := from[cfg.Relays[0].As4()], from[cfg.Relays[1].As4()]; len(from) != 2 || a != b || a == 0 {
		t.Errorf("messages by relay: %v", from)
	}
}

// slow is a Link that takes its time, so that the generator falls behind.
type slow struct{ echo }

func (s *slow) Commit(n int) {
	time.Sleep(200 * time.Microsecond)
	s.echo.Commit(n)
}

// A generator that cannot keep its own schedule says so, and does not take what
// it begins later for a rate.
func TestBehind(t *testing.T) {
	cfg := config("dora", 20000)
	cfg.Timeout = 10 * time.Second
	g, err := New(cfg, new(slow))
	if err != nil {
		t.Fatal(err)
	}
	r, err := g.Run(t.Context()) // 2,000 exchanges of two messages each take 0.8 s, not 0.1 s
	if err != nil {
		t.Fatal(err)
	}
	if r.Behind < 0.2 || r.PerSecond > 8000 {
		t.Errorf("behind by %.2f s, %.0f/s", r.Behind, r.PerSecond)
	}
	cfg.Timeout = 100 * time.Millisecond
	if g, err = New(cfg, new(slow)); err != nil {
		t.Fatal(err)
	}
	if r, err = g.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.Skipped == 0 || r.Loss < 0.3 {
		t.Errorf("skipped %d, loss %.2f", r.Skipped, r.Loss)
	}
}

// What makes a result no measure of the server is told by its name.
func TestBlemish(t *testing.T) {
	clean := Result{Completed: 1000, Seconds: 10, Rate: 100}
	if why := clean.Blemish(0.001); why != "" {
		t.Errorf("a clean result: %q", why)
	}
	for want, spoil := range map[string]func(*Result){
		"two clients": func(r *Result) { r.Duplicates = 1 },
		"wrong":       func(r *Result) { r.Wrong = 1 },
		"lost":        func(r *Result) { r.Loss = 0.002 },
		"late":        func(r *Result) { r.Behind = 0.6 },
		"backlog":     func(r *Result) { r.Backlog = 20 },
		"nothing":     func(r *Result) { r.Completed = 0 },
	} {
		r := clean
		spoil(&r)
		if why := r.Blemish(0.001); !strings.Contains(why, want) {
			t.Errorf("%s: %q", want, why)
		}
	}
}

// A search whose clients run out says so, also when a few never get a lease.
func TestSearchSpendsItsClients(t *testing.T) {
	cfg := config("dora", 3000)
	cfg.Fresh = true
	g, sim := simulate(t, cfg, time.Nanosecond)
	sim.deaf = func(int) bool { return sim.buf[headersLen+offChaddr+5] == 0 } // one in 256
	s := Search{Start: 4000, Max: 1e5, LossMax: 0.1, Settle: 20 * time.Millisecond, Trial: 100 * time.Millisecond, Steps: 1}
	if _, err := s.Run(t.Context(), g, Mix{DORA: 1}); !errors.Is(err, errSpent) {
		t.Errorf("3,000 clients for a search up to 100,000 a second: %v", err)
	}
}

// Each run that confirms begins with a generator of its own, and only those do.
func TestSearchConfirmsAnew(t *testing.T) {
	cfg := config("dora", 20000)
	cfg.Fresh = true
	g, _ := simulate(t, cfg, time.Nanosecond)
	s := Search{Start: 1000, Max: 16000, LossMax: 0.001, Settle: 20 * time.Millisecond, Trial: 100 * time.Millisecond, Confirm: time.Second, Steps: 1}
	var anew int
	s.Anew = func() (*Generator, error) {
		anew++
		g, _ := simulate(t, cfg, time.Nanosecond)
		return g, nil
	}
	r, err := s.Run(t.Context(), g, Mix{DORA: 1}) // of 20,000 clients the trials leave fewer than 16,000
	if err != nil {
		t.Fatal(err)
	}
	if anew != 1 || r.Rate != 16000 || r.Completed != 16000 {
		t.Errorf("anew %d times, %.0f/s, %d done", anew, r.Rate, r.Completed)
	}
	s.Anew = func() (*Generator, error) { return nil, errors.New("no room") }
	g, _ = simulate(t, cfg, time.Nanosecond)
	if _, err = s.Run(t.Context(), g, Mix{DORA: 1}); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("a server that does not begin anew: %v", err)
	}
}
