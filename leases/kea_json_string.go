package leases

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// A string of Kea's JSON is bytes, not text: \u00e9 is the one byte e9, and a
// name in UTF-8 takes an escape for each byte (Kea: cc/data.cc). Hosts send
// names in whatever their encoding is, and the same bytes must come out.

// ParseKeaHostname reads a host name out of raw JSON, in lower case as Kea
// keeps names: ASCII letters only, other bytes are in an encoding nobody knows.
func ParseKeaHostname(raw json.RawMessage) (string, error) {
	s, err := parseString(raw)
	return lowerASCII(s), err
}

// parseString reads a JSON string, already found to be JSON; null is empty.
func parseString(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	if raw[0] != '"' {
		return "", errors.New("this is not a string")
	}
	out := make([]byte, 0, len(raw))
	for rest := raw[1 : len(raw)-1]; len(rest) > 0; {
		if rest[0] != '\\' {
			out, rest = append(out, rest[0]), rest[1:]
			continue
		}
		b, n, err := unescape(rest)
		if err != nil {
			return "", err
		}
		out, rest = append(out, b), rest[n:]
	}
	return string(out), nil
}

// escapes are the short ones of JSON, by the letter after the backslash.
var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape reads the escape that s begins with, and its length.
func unescape(s []byte) (b byte, n int, err error) {
	if s[1] != 'u' {
		return escapes[s[1]], 2, nil
	}
	code, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	if err != nil || code > 0xff {
		return 0, 0, fmt.Errorf("%s is no byte: a string of Kea has none beyond \\u00ff", s[:6])
	}
	return byte(code), 6, nil
}

// appendString appends a JSON string.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20 || c >= utf8.RuneSelf:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexLower[c>>4], hexLower[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
