package keastring

import (
	"encoding/json"
	"testing"
)

func TestBytes(t *testing.T) {
	for literal, want := range map[string]string{
		`""`:                             "",
		`"plain"`:                        "plain",
		"\"x\xe9y\"":                     "x\xe9y",
		`"gl\u00e9bal"`:                  "gl\xe9bal",
		"\"gl\u00fcck\"":                 "gl\u00fcck",
		`"\u0000\"\\\/\b\f\n\r\t\u001f"`: "\x00\"\\/\b\f\n\r\t\x1f",
	} {
		got, err := Parse([]byte(literal))
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", literal, got, err, want)
		}
		again := Append(nil, want)
		if back, err := Parse(again); err != nil || back != want || !json.Valid(again) {
			t.Errorf("%q is written as %s, which reads %q, %v", want, again, back, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, literal := range []string{`"\u0100"`, `"\ud83d\ude00"`, `5`, `null`, `[]`, ``} {
		if s, err := Parse([]byte(literal)); err == nil {
			t.Errorf("%s reads %q", literal, s)
		}
	}
}
