package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// errNotJSON is a document that is no JSON at all: HTTP answers it with status
// 400, every other fault of a command with a result.
var errNotJSON = errors.New("not a JSON document")

// commandError is what is wrong with a document, in Kea's words.
type commandError string

// Error implements error.
func (e commandError) Error() string { return string(e) }

// commandKeys are the members a command may have (Kea: command_interpreter.cc,
// parseCommand). The value of service is not checked: Kea's dedicated listener
// serves a command sent to dhcp6 too, and so must a partner of it.
var commandKeys = []string{"command", "arguments", "service", "remote-address"}

// command is one parsed request.
type command struct {
	name string
	args json.RawMessage // nil: none
}

// parseCommand takes a command document apart. Its errors are answers, except
// errNotJSON.
func parseCommand(doc []byte) (command, error) {
	if !json.Valid(doc) {
		return command{}, errNotJSON
	}
	var members map[string]json.RawMessage
	if bytes.TrimLeft(doc, " \t\r\n")[0] != '{' || json.Unmarshal(doc, &members) != nil {
		return command{}, commandError("Invalid command Element specified, expected map")
	}
	for name := range members {
		if !slices.Contains(commandKeys, name) {
			return command{}, commandError("Received command contains unsupported parameter '" + name + "'")
		}
	}
	raw, ok := members["command"]
	if !ok {
		return command{}, commandError("'command' parameter is missing")
	}
	var c command
	if json.Unmarshal(raw, &c.name) != nil || string(raw) == "null" {
		return command{}, commandError("'command' parameter must be a string")
	}
	c.args = members["arguments"]
	return c, nil
}

// refusal is the answer to a document that is no command.
func refusal(err error) Response {
	return Errorf("Error during command processing: %v", err)
}
