package control

import (
	"context"
	"sync"
)

// Status builds the answer of status-get from sections, each from the part
// that knows. Sections may be added while it serves.
type Status struct {
	mu       sync.Mutex // guards sections; held while they are asked
	sections map[string]func() any
}

// NewStatus returns a status without sections.
func NewStatus() *Status { return &Status{sections: make(map[string]func() any)} }

// Section adds one member of the answer or replaces it. A member whose value is
// nil at the time of asking is left out.
func (s *Status) Section(name string, value func() any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sections[name] = value
}

// Register adds status-get.
func (s *Status) Register(r *Registry) {
	r.Register("status-get", func(context.Context, *Arguments) Response {
		return Response{Arguments: s.report()}
	})
}

func (s *Status) report() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	report := make(map[string]any, len(s.sections))
	for name, value := range s.sections {
		if v := value(); v != nil {
			report[name] = v
		}
	}
	return report
}
