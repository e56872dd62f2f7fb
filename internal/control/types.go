package control

import "context"

// Result codes of Kea's command channel (Kea: cc/command_interpreter.h).
const (
	ResultSuccess     = 0
	ResultError       = 1
	ResultUnsupported = 2
	ResultEmpty       = 3
	ResultConflict    = 4
	ResultFatal       = 5 // what a command left is not what was there before
)

// Response is the answer to one command. Over HTTP it is wrapped in a list.
// Arguments that are long to build whole may be a Stream.
type Response struct {
	Result    int    `json:"result"`
	Text      string `json:"text,omitempty"`
	Arguments any    `json:"arguments,omitempty"`
}

// Handler serves one command.
type Handler func(ctx context.Context, args *Arguments) Response
