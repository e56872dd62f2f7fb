package leases

import (
	"encoding/json"

	"needletail/internal/keastring"
)

// ParseKeaHostname reads a host name out of raw JSON, in lower case as Kea
// keeps names: ASCII letters only, other bytes are in an encoding nobody knows.
// Absent or null is the empty name.
func ParseKeaHostname(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	s, err := keastring.Parse(raw)
	return lowerASCII(s), err
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
