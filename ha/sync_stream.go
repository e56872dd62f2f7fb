package ha

import (
	"sync"
	"time"
)

// stream is a sync that a peer, a needletail, makes from us. It ends with the
// peer's ha-sync-complete-notify, or when nothing is heard of it for
// the time a page may take.
type stream struct {
	mu   sync.Mutex // guards the rest
	open bool
	last time.Time
	keep time.Duration
}

// begin opens the stream, or opens it anew.
func (s *stream) begin(now time.Time, keep time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.last, s.keep = true, now, keep
}

// touch notes a page; false if no stream is open.
func (s *stream) touch(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		s.last = now
	}
	return s.open
}

// end closes the stream: the peer has everything.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
}

// expired closes a stream that has been silent for too long, and says so.
func (s *stream) expired(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open || now.Sub(s.last) <= s.keep {
		return false
	}
	s.open = false
	return true
}
