package rfc3074

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The table as RFC 3074 section 6 has it, by its digest.
func TestTable(t *testing.T) {
	sum := sha256.Sum256(Table[:])
	if got := hex.EncodeToString(sum[:]); got != "50015bcb049a75f57f1224b2d303a4d75485a0de3a772a30e06256daa1c873a7" {
		t.Errorf("the table's SHA-256 is %s", got)
	}
}

// Hashes of keys, some as pairs of real Keas dealt their clients. package bpf asks
// the program in the driver the same.
func TestHash(t *testing.T) {
	for text, want := range map[string]uint8{
		"00": 175, "01": 251, "ff": 234, "0102": 170, "010203040506": 179, "ffffffffffff": 79,
		"020000000002": 45, "01020000000001": 14, "01000c01020304": 104, "01000c01020307": 69,
		"ff0000000100030001020000000016": 4, "000100013294ad02000c01020304": 224,
	} {
		key, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Hash(key); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	for length, want := range map[int]uint8{255: 123, 256: 0} { // the length counts modulo 256
		if got := Hash(make([]byte, length)); got != want {
			t.Errorf("%d zero bytes: %d, want %d", length, got, want)
		}
	}
}
