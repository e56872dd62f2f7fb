package config

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Strings are bytes, as in Kea: those of the file are kept, be they UTF-8 or
// not, and \u00XX is one byte. An option's data must not depend on who reads
// the file.

// escapes are those of one letter, and what they stand for.
const escapes, escaped = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

// unquote gives the bytes of a string that the JSON parser has found well
// formed; false if it has \u of more than a byte.
func unquote(literal string) (string, bool) {
	rest := literal[1 : len(literal)-1]
	var b strings.Builder
	for {
		before, after, found := strings.Cut(rest, `\`)
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		if after[0] != 'u' {
			b.WriteByte(escaped[strings.IndexByte(escapes, after[0])])
			rest = after[1:]
			continue
		}
		code, err := strconv.ParseUint(after[1:5], 16, 8)
		if err != nil {
			return literal[1 : len(literal)-1], false
		}
		b.WriteByte(byte(code))
		rest = after[5:]
	}
}

// writeString is the reverse, in ASCII only, so that nobody who passes the JSON
// on can change the bytes.
func writeString(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch i := strings.IndexByte(escaped, c); {
		case c == '/':
			b.WriteByte(c)
		case i >= 0:
			b.Write([]byte{'\\', escapes[i]})
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}
