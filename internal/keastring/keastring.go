// Package keastring reads and writes the strings of Kea's JSON, which are bytes
// and not text: \u00e9 is the one byte e9, and a name in UTF-8 takes an escape
// for each of its bytes (Kea: cc/data.cc). Hosts send names in whatever their
// encoding is, and the same bytes must come out.
package keastring

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// Letters of the short escapes, and what they stand for.
const letters, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

// Parse gives the bytes of a string. The literal must be JSON, but may be of
// another type, which is an error, as is \u of more than a byte.
func Parse(literal []byte) (string, error) {
	if len(literal) == 0 || literal[0] != '"' {
		return "", errors.New("this is not a string")
	}
	rest := literal[1 : len(literal)-1]
	var out []byte
	for {
		at := bytes.IndexByte(rest, '\\')
		if at < 0 {
			return string(append(out, rest...)), nil
		}
		b, length, err := unescape(rest[at:])
		if err != nil {
			return "", err
		}
		out = append(append(out, rest[:at]...), b)
		rest = rest[at+length:]
	}
}

// unescape reads the escape that s begins with, and its length.
func unescape(s []byte) (b byte, length int, err error) {
	if s[1] != 'u' {
		return meanings[bytes.IndexByte([]byte(letters), s[1])], 2, nil
	}
	code, err := strconv.ParseUint(string(s[2:6]), 16, 8)
	if err != nil {
		return 0, 0, fmt.Errorf("%s is no byte: a string of Kea has none beyond \\u00ff", s[:6])
	}
	return byte(code), 6, nil
}

// Append appends s as a JSON string, in ASCII only, so that nobody who passes
// the JSON on can change the bytes.
func Append(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20 || c >= 0x7f:
			dst = append(append(dst, `\u00`...), hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
