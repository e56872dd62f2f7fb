package server

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"needletail/internal/config"
)

// Tries end when all is open, or when they are used up; that ends the server if
// all sockets are required.
func TestRetry(t *testing.T) {
	failed := errors.New("no such interface")
	for _, c := range []struct {
		name  string
		tries []error
		must  bool
		more  bool
		ends  bool
	}{
		{"at the start", nil, true, true, false},
		{"one of two failed", []error{failed}, true, true, false},
		{"both failed", []error{failed, failed}, false, false, false},
		{"both failed, all required", []error{failed, failed}, true, false, true},
		{"one succeeded", []error{nil}, true, false, false},
		{"the second succeeded", []error{failed, nil}, true, false, false},
	} {
		s := &Server{log: slog.New(slog.DiscardHandler)}
		r := s.newRetry(&config.Dhcp4{Interfaces: config.Interfaces{RetryMax: 2, RetryWait: time.Hour, RequireAll: c.must}})
		var end error
		for _, err := range c.tries {
			end = r.next(err)
		}
		if (r.tick != nil) != c.more || s.retrying.Load() != c.more {
			t.Errorf("%s: another try is planned: %v, told %v, want %v", c.name, r.tick != nil, s.retrying.Load(), c.more)
		}
		if errors.Is(end, failed) != c.ends {
			t.Errorf("%s: the server ends with %v, want an end: %v", c.name, end, c.ends)
		}
	}
	s := new(Server)
	if r := s.newRetry(&config.Dhcp4{}); r.tick != nil || s.retrying.Load() {
		t.Error("a try is planned although service-sockets-max-retries is 0")
	}
}
