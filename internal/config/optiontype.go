package config

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// fieldTypes are the types a definition may name (Kea: option_data_types.cc),
// with the size of a value in bytes; 0 is variable.
var fieldTypes = map[string]int{
	"empty": 0, "binary": 0, "boolean": 1, "int8": 1, "int16": 2, "int32": 4,
	"uint8": 1, "uint16": 2, "uint32": 4, "ipv4-address": 4, "ipv6-address": 16,
	"ipv6-prefix": 0, "psid": 3, "string": 0, "tuple": 0, "fqdn": 0, "record": 0,
}

func typeNames() []string {
	var names []string
	for name := range fieldTypes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// encoders append one value of a type in wire form.
var encoders = map[string]func(out []byte, value string) ([]byte, error){
	"binary":       appendPairs,
	"boolean":      appendBoolean,
	"int8":         signed(8),
	"int16":        signed(16),
	"int32":        signed(32),
	"uint8":        unsigned(8),
	"uint16":       unsigned(16),
	"uint32":       unsigned(32),
	"ipv4-address": appendIPv4,
	"ipv6-address": appendIPv6,
	"ipv6-prefix":  appendIPv6Prefix,
	"psid":         appendPSID,
	"string":       func(out []byte, v string) ([]byte, error) { return append(out, v...), nil },
	"tuple":        appendTuple,
	"fqdn":         appendName,
}

var errEmptyType = errors.New("this option carries no value of its own; give sub-options, or hexadecimal data with csv-format false")

func appendField(out []byte, kind, value string) ([]byte, error) {
	encode := encoders[kind]
	if encode == nil {
		return nil, errEmptyType
	}
	return encode(out, value)
}

// appendPairs reads the binary part of comma separated values: pairs of digits,
// white space anywhere (Kea: option_data_types.cc, writeBinary).
func appendPairs(out []byte, v string) ([]byte, error) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(v), ""))
	if err != nil {
		return nil, fmt.Errorf("%q is not a string of pairs of hexadecimal digits", v)
	}
	return append(out, b...), nil
}

// appendHex reads digits that stand alone; a first one may lack its pair.
func appendHex(out []byte, v string) ([]byte, error) {
	b, err := hex.DecodeString(v)
	if len(v)%2 != 0 {
		b, err = hex.DecodeString("0" + v)
	}
	if err != nil {
		return nil, fmt.Errorf("%q is not a string of hexadecimal digits", v)
	}
	return append(out, b...), nil
}

func appendBoolean(out []byte, v string) ([]byte, error) {
	switch strings.ToLower(v) {
	case "true", "1":
		return append(out, 1), nil
	case "false", "0":
		return append(out, 0), nil
	}
	return nil, fmt.Errorf("%q is not a boolean, write true or false", v)
}

func unsigned(size int) func([]byte, string) ([]byte, error) {
	return func(out []byte, v string) ([]byte, error) {
		n, err := strconv.ParseUint(digits(v), base(v), size)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number from 0 to %d", v, uint64(1)<<size-1)
		}
		return appendInt(out, n, size), nil
	}
}

func signed(size int) func([]byte, string) ([]byte, error) {
	return func(out []byte, v string) ([]byte, error) {
		n, err := strconv.ParseInt(digits(v), base(v), size)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number from %d to %d", v, int64(-1)<<(size-1), int64(1)<<(size-1)-1)
		}
		return appendInt(out, uint64(n), size), nil
	}
}

// Numbers are decimal, or hexadecimal behind "0x".
func digits(v string) string { return strings.TrimPrefix(v, "0x") }

func base(v string) int {
	if strings.HasPrefix(v, "0x") {
		return 16
	}
	return 10
}

func appendInt(out []byte, n uint64, size int) []byte {
	for shift := size - 8; shift >= 0; shift -= 8 {
		out = append(out, byte(n>>shift))
	}
	return out
}

func appendIPv4(out []byte, v string) ([]byte, error) {
	a, err := netip.ParseAddr(v)
	if err != nil || !a.Is4() {
		return nil, fmt.Errorf("%q is not an IPv4 address", v)
	}
	return append(out, a.AsSlice()...), nil
}

func appendIPv6(out []byte, v string) ([]byte, error) {
	a, err := netip.ParseAddr(v)
	if err != nil || !a.Is6() || a.Zone() != "" {
		return nil, fmt.Errorf("%q is not an IPv6 address", v)
	}
	return append(out, a.AsSlice()...), nil
}

// appendIPv6Prefix writes the length and as many address bytes as it needs.
func appendIPv6Prefix(out []byte, v string) ([]byte, error) {
	p, err := netip.ParsePrefix(strings.ReplaceAll(v, " ", ""))
	if err != nil || !p.Addr().Is6() {
		return nil, fmt.Errorf("%q is not an IPv6 prefix, write it like 2001:db8::/32", v)
	}
	out = append(out, byte(p.Bits()))
	return append(out, p.Masked().Addr().AsSlice()[:(p.Bits()+7)/8]...), nil
}

// appendPSID writes a port set identifier, "psid/length" (RFC 7618 section 4).
func appendPSID(out []byte, v string) ([]byte, error) {
	id, length, ok := strings.Cut(strings.ReplaceAll(v, " ", ""), "/")
	n, err := strconv.ParseUint(id, 10, 16)
	size, err2 := strconv.ParseUint(length, 10, 8)
	if !ok || err != nil || err2 != nil || size > 16 || bits.Len64(n) > int(size) {
		return nil, fmt.Errorf("%q is not a port set, write it like 5/8 with a number that fits the length", v)
	}
	return binary.BigEndian.AppendUint16(append(out, byte(size)), uint16(n<<(16-size))), nil
}

func appendTuple(out []byte, v string) ([]byte, error) {
	if len(v) > 255 {
		return nil, errors.New("a tuple holds at most 255 bytes")
	}
	return append(append(out, byte(len(v))), v...), nil
}
