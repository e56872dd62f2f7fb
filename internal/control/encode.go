package control

import (
	"encoding/json"
	"io"
	"strconv"
)

// Stream is an Arguments value that writes its JSON itself, piece by piece, so
// that a million leases are never one string on the UNIX socket. HTTP needs a
// Content-Length and holds the whole answer.
type Stream func(w io.Writer) error

// writeTo writes the response as one JSON map.
func (r Response) writeTo(w io.Writer) error {
	head := strconv.AppendInt([]byte(`{"result":`), int64(r.Result), 10)
	if r.Text != "" {
		text, err := json.Marshal(r.Text)
		if err != nil {
			return err
		}
		head = append(append(head, `,"text":`...), text...)
	}
	if r.Arguments != nil {
		head = append(head, `,"arguments":`...)
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	if err := writeArguments(w, r.Arguments); err != nil {
		return err
	}
	_, err := w.Write([]byte{'}'})
	return err
}

func writeArguments(w io.Writer, args any) error {
	switch a := args.(type) {
	case nil:
		return nil
	case Stream:
		return a(w)
	case json.RawMessage:
		_, err := w.Write(a)
		return err
	}
	body, err := json.Marshal(args)
	if err != nil {
		return err
	}
	_, err = w.Write(body)
	return err
}
