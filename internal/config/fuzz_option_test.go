package config

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"
)

// FuzzOptionData: what text encodes to is what the same option takes as binary
// data, byte for byte.
func FuzzOptionData(f *testing.F) {
	for _, code := range []uint8{1, 2, 3, 15, 19, 25, 43, 77, 78, 79, 81, 88, 119, 121, 124, 125, 137, 143, 146, 151, 159, 162, 212} {
		for _, data := range []string{"", "1", "192.0.2.1", "true, 192.0.2.1", "a.example, b.example", "1, 2, 3, a", "10.0.0.0/8 - 192.0.2.1", "0102", "6, 5/8", "1, dns.example., 192.0.2.1, alpn=dot port=853 | 2, a.", "14,32,2001:db8::,192.0.2.1", `a\,b`} {
			f.Add(code, data)
		}
	}
	defs := standard()
	f.Fuzz(func(t *testing.T, code uint8, text string) {
		def := defs.code(SpaceDHCP4, code)
		if def == nil {
			return
		}
		wire, err := encodeText(def, text)
		if err != nil {
			return
		}
		for _, form := range []string{"%x", "0x%x", "%X"} {
			if len(wire) == 0 {
				continue // "0x" alone is nothing in Kea either
			}
			again, err := decodeBinary(fmt.Sprintf(form, wire))
			if err != nil || !bytes.Equal(again, wire) {
				t.Fatalf("%s of %q: %s comes back as %x, %v", def.Name, text, hex.EncodeToString(wire), again, err)
			}
		}
		if err := fits(def, wire); err != nil {
			t.Fatalf("%s of %q: %x is refused as binary: %v", def.Name, text, wire, err)
		}
	})
}
