package control

import (
	"encoding/json"
	"fmt"
	"testing"
)

// What is read, and the words for what is wrong.
func TestArguments(t *testing.T) {
	number := func(a *Arguments) any { return a.Int("x", 1, 10) }
	text := func(a *Arguments) any { return a.String("x") }
	for _, c := range []struct {
		args string
		read func(*Arguments) any
		want string
	}{
		{`{"x":"a\u00c3\u00a9\n"}`, text, "aé\n"}, // as Kea writes what is UTF-8 in its file
		{`{}`, text, "'x' parameter not specified"},
		{``, text, "'x' parameter not specified"},
		{`{"X":"a"}`, text, "'x' parameter not specified"},
		{`{"x":null}`, text, "'x' parameter must be a string"},
		{`{"x":5}`, text, "'x' parameter must be a string"},
		{`[]`, text, "arguments of the command must be a map"},
		{`null`, text, "arguments of the command must be a map"},
		{`{}`, func(a *Arguments) any { return a.StringOr("x", "-") }, "-"},
		{`{"x":[]}`, func(a *Arguments) any { return a.StringOr("x", "-") }, "'x' parameter must be a string"},
		{`{"x":10}`, number, "10"},
		{`{"x":11}`, number, "'x' parameter must be a number from 1 to 10"},
		{`{"x":1.5}`, number, "'x' parameter must be a number"},
		{`{"x":null}`, number, "'x' parameter must be a number"},
		{`{}`, func(a *Arguments) any { return a.IntOr("x", 1, 10, 0) }, "0"},
		{`{"x":0}`, func(a *Arguments) any { return a.IntOr("x", 1, 10, 0) }, "'x' parameter must be a number from 1 to 10"},
		{`{"x":true}`, func(a *Arguments) any { return a.Bool("x") }, "true"},
		{`{"x":1}`, func(a *Arguments) any { return a.Bool("x") }, "'x' parameter must be a boolean"},
		{`{"x":["a","b"]}`, func(a *Arguments) any { return a.Strings("x") }, "[a b]"},
		{`{"x":["a",null]}`, func(a *Arguments) any { return a.Strings("x") }, "'x' parameter must be a list of strings"},
		{`{"x":[1,2]}`, func(a *Arguments) any { return a.Numbers("x") }, "[1 2]"},
		{`{"x":[-1]}`, func(a *Arguments) any { return a.Numbers("x") }, "'x' parameter must be a list of numbers"},
		{`{"x":"192.0.2.1"}`, func(a *Arguments) any { return a.Addr("x") }, "192.0.2.1"},
		{`{"x":"::1"}`, func(a *Arguments) any { return a.Addr("x") }, "'x' parameter must be an IPv4 address: ::1"},
		{`{"x":[]}`, func(a *Arguments) any { a.Int("y", 0, 0); return a.String("x") }, "'y' parameter not specified"},
	} {
		var raw json.RawMessage
		if c.args != "" {
			raw = json.RawMessage(c.args)
		}
		a := NewArguments(raw)
		got := fmt.Sprint(c.read(a))
		if err := a.Err(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.args, got, c.want)
		}
	}
}
