package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Registry holds the commands of one server. Commands come and go while it
// serves (a reload may add high availability), so it has a lock; the lock is
// not held while a command runs.
type Registry struct {
	mu       sync.RWMutex // guards handlers
	handlers map[string]Handler
}

// NewRegistry returns a registry that knows list-commands only.
func NewRegistry() *Registry {
	r := &Registry{handlers: make(map[string]Handler)}
	r.Register("list-commands", func(context.Context, *Arguments) Response {
		return Response{Arguments: r.Names()}
	})
	return r
}

// Register adds a command or replaces it.
func (r *Registry) Register(name string, h Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handlers[name] = h
}

// Unregister removes a command, if it is there.
func (r *Registry) Unregister(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.handlers, name)
}

// Names returns the commands in alphabetical order, as list-commands does.
func (r *Registry) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := make([]string, 0, len(r.handlers))
	for name := range r.handlers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Call runs one command; args is nil where it has none. A command nobody registered has result 2; Kea's
// partner logic tells it from a failure by that code.
func (r *Registry) Call(ctx context.Context, name string, args json.RawMessage) Response {
	return r.Run(ctx, name, NewArguments(args))
}

// Run is Call with arguments that may have something attached.
func (r *Registry) Run(ctx context.Context, name string, args *Arguments) Response {
	r.mu.RLock()
	h := r.handlers[name]
	r.mu.RUnlock()
	if h == nil {
		return Response{Result: ResultUnsupported, Text: fmt.Sprintf("'%s' command not supported.", name)}
	}
	return h(ctx, args)
}

// Failed is the answer to a command that failed: with the result of a Refusal, else
// ResultError.
func Failed(err error) Response {
	var r *Refusal
	if errors.As(err, &r) {
		return Response{Result: r.Result, Text: err.Error()}
	}
	return Response{Result: ResultError, Text: err.Error()}
}

// Refusal is an error that its command answers with a result of its own.
type Refusal struct {
	Result int
	Text   string
}

func (r *Refusal) Error() string { return r.Text }

// Refusef returns a Refusal.
func Refusef(result int, format string, a ...any) error {
	return &Refusal{result, fmt.Sprintf(format, a...)}
}

// Errorf is Failed with words of its own.
func Errorf(format string, a ...any) Response { return Failed(fmt.Errorf(format, a...)) }
