package config

import (
	"encoding/json"
	"testing"
)

// Bytes of strings go to clients as they stand in the file, and back out of
// config-get as JSON that reads the same.
func TestStringBytes(t *testing.T) {
	for written, want := range map[string]string{
		"x\xe9y":                       "x\xe9y",
		"gl\u00fcck":                   "gl\u00fcck",
		`gl\u00e9bal`:                  "gl\xe9bal",
		`\u0000\"\\\/\b\f\n\r\t\u001f`: "\x00\"\\/\b\f\n\r\t\x1f",
		"line\u2028separator<&>\x7f":   "line\u2028separator<&>\x7f",
	} {
		file := `"server-tag":"` + written + `","user-context":{"` + written + `":1}`
		d := mustParse(t, file)
		if d.ServerTag != want {
			t.Errorf("%q: got %q, want %q", written, d.ServerTag, want)
		}
		if !json.Valid(d.Raw) {
			t.Errorf("%q is rendered as %q", written, d.Raw)
		}
		again, err := Parse("f", d.Raw)
		if err != nil || again.ServerTag != want || string(again.Raw) != string(d.Raw) {
			t.Errorf("%q is rendered as %q, which gives %v", written, d.Raw, err)
		}
	}
}
