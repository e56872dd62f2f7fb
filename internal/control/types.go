package control

import (
	"context"
	"encoding/json"
)

// Result codes of Kea's command channel (Kea: cc/command_interpreter.h).
const (
	ResultSuccess     = 0
	ResultError       = 1
	ResultUnsupported = 2
	ResultEmpty       = 3
	ResultConflict    = 4
)

// Response is the answer to one command. Over HTTP it is wrapped in a list.
// Arguments that are long to build whole may be a Stream.
type Response struct {
	Result    int    `json:"result"`
	Text      string `json:"text,omitempty"`
	Arguments any    `json:"arguments,omitempty"`
}

// Handler serves one command. args is nil when the command had none.
type Handler func(ctx context.Context, args json.RawMessage) Response
