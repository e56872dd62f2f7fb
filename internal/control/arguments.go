package control

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"needletail/internal/keastring"
)

// Arguments are those of one command. Each is read by its name and type; the
// first that is missing or wrong is kept, in Kea's words (Kea: lease_cmds.cc),
// and what is read after it is zero. So a handler reads what it needs, and asks
// Err once before it uses any.
type Arguments struct {
	raw     json.RawMessage            // nil: the command had none
	members map[string]json.RawMessage // of raw; nil until one is asked for
	behind  []byte                     // see Attached
	err     error                      // what is wrong first
}

// NewArguments wraps the value of a command's "arguments"; nil where it has none.
func NewArguments(raw json.RawMessage) *Arguments { return &Arguments{raw: raw} }

// Attach puts bytes behind the arguments, for Attached.
func (a *Arguments) Attach(b []byte) *Arguments {
	a.behind = b
	return a
}

// Attached returns the bytes that came behind the command (AttachedType), nil if none
// did. They are the handler's until it returns.
func (a *Arguments) Attached() []byte { return a.behind }

// Err tells what is wrong with what was read.
func (a *Arguments) Err() error { return a.err }

// Fail keeps an error of the caller's own about an argument.
func (a *Arguments) Fail(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

// Given tells whether the command has arguments at all.
func (a *Arguments) Given() bool { return a.raw != nil }

// Map returns the arguments as they came, which must be a map; nil if they are not.
func (a *Arguments) Map() json.RawMessage {
	if len(a.raw) == 0 || a.raw[0] != '{' {
		a.Fail("arguments of the command must be a map")
		return nil
	}
	return a.raw
}

// Has tells whether an argument is there.
func (a *Arguments) Has(name string) bool {
	if a.members == nil && a.raw != nil {
		if m := a.Map(); m == nil {
			return false
		} else if err := json.Unmarshal(m, &a.members); err != nil {
			a.Fail("arguments of the command: %w", err)
		}
	}
	_, there := a.members[name]
	return there
}

// Value returns an argument as it came; it must be there.
func (a *Arguments) Value(name string) json.RawMessage {
	if !a.Has(name) {
		a.Fail("'%s' parameter not specified", name)
	}
	return a.members[name]
}

// IsString tells a string from a value of another type, where Kea takes both.
func (a *Arguments) IsString(name string) bool {
	return a.Has(name) && a.members[name][0] == '"'
}

// String returns a string, byte for byte.
func (a *Arguments) String(name string) string {
	s, err := keastring.Parse(a.Value(name))
	if err != nil {
		a.Fail("'%s' parameter must be a string", name)
	}
	return s
}

// StringOr is String for an argument that may be absent.
func (a *Arguments) StringOr(name, absent string) string {
	if !a.Has(name) {
		return absent
	}
	return a.String(name)
}

// Strings returns a list of strings.
func (a *Arguments) Strings(name string) []string {
	var raws []json.RawMessage
	a.decode(name, "a list of strings", &raws)
	list := make([]string, len(raws))
	for i, raw := range raws {
		var err error
		if list[i], err = keastring.Parse(raw); err != nil {
			a.Fail("'%s' parameter must be a list of strings", name)
		}
	}
	return list
}

// Numbers returns a list of numbers of 32 bits.
func (a *Arguments) Numbers(name string) (list []uint32) {
	a.decode(name, "a list of numbers", &list)
	return list
}

// Bool returns a boolean.
func (a *Arguments) Bool(name string) (b bool) {
	a.decode(name, "a boolean", &b)
	return b
}

// Int returns an integer between least and most.
func (a *Arguments) Int(name string, least, most int64) (n int64) {
	a.decode(name, "a number", &n)
	if n < least || n > most {
		a.Fail("'%s' parameter must be a number from %d to %d", name, least, most)
		return 0
	}
	return n
}

// IntOr is Int for an argument that may be absent.
func (a *Arguments) IntOr(name string, least, most, absent int64) int64 {
	if !a.Has(name) {
		return absent
	}
	return a.Int(name, least, most)
}

// Addr returns an IPv4 address.
func (a *Arguments) Addr(name string) netip.Addr {
	text := a.String(name)
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		a.Fail("'%s' parameter must be an IPv4 address: %s", name, text)
		return netip.Addr{}
	}
	return addr
}

// decode reads a value that is not null, which json takes for any type.
func (a *Arguments) decode(name, kind string, into any) {
	raw := a.Value(name)
	if string(raw) == "null" || json.Unmarshal(raw, into) != nil {
		a.Fail("'%s' parameter must be %s", name, kind)
	}
}
