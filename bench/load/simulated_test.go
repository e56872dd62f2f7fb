package load

import (
	"testing"
	"time"
)

// simulated is a Link with a server on a clock of its own: the server takes
// one message after the other, each for the same time, and keeps as many
// waiting as come. Nothing sleeps, and every run is the same.
type simulated struct {
	*echo
	clock int64 // ns
	each  int64 // ns of work for a message
	free  int64 // when the server is through with what it has
	queue []delayed
	// stalls tells until when the server does nothing at a moment, 0: it works.
	stalls func(at int64) int64
	// hold keeps the generator itself from a moment on, once for a time.
	hold struct{ at, d int64 }
}

type delayed struct {
	at    int64
	frame []byte
}

// simulate returns a generator whose clock and network are a simulation.
func simulate(t *testing.T, cfg Config, each time.Duration) (*Generator, *simulated) {
	t.Helper()
	s := &simulated{echo: new(echo), each: int64(each)}
	g, err := New(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	g.now = s.now
	g.pause = func(d time.Duration) { s.clock += int64(d) }
	return g, s
}

// now takes a little time itself, as everything does that a generator does.
func (s *simulated) now() int64 {
	s.clock += 100
	return s.clock
}

func (s *simulated) Commit(n int) {
	s.echo.Commit(n)
	begin := max(s.free, s.clock)
	if s.stalls != nil {
		begin = max(begin, s.stalls(begin))
	}
	s.free = begin + s.each
	for _, a := range s.answers {
		s.queue = append(s.queue, delayed{s.free, a})
	}
	s.answers = nil
}

func (s *simulated) Receive(f func([]byte)) error {
	for len(s.queue) > 0 && s.queue[0].at <= s.clock {
		a := s.queue[0].frame
		s.queue = s.queue[1:] // before f, which may add to it
		f(a)
	}
	return nil
}

// Flush holds the generator up, as a full interface or a busy processor does.
func (s *simulated) Flush() error {
	if s.hold.d > 0 && s.clock >= s.hold.at {
		s.clock, s.hold.d = s.clock+s.hold.d, 0
	}
	return nil
}

// Wait returns when an answer is there or after d.
func (s *simulated) Wait(d time.Duration) error {
	end := s.clock + int64(d)
	if len(s.queue) > 0 {
		end = min(end, s.queue[0].at)
	}
	s.clock = max(s.clock, end)
	return nil
}
