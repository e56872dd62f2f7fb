package config

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// splitData cuts option data at commas; "\," is a comma within a value, and
// empty values vanish (Kea: str.cc, tokens). Values come without white space
// around them.
func splitData(data string) []string {
	var values []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			values = append(values, strings.TrimSpace(b.String()))
		}
		b.Reset()
	}
	for i := 0; i < len(data); i++ {
		switch {
		case data[i] == ',':
			flush()
		case data[i] == '\\' && i+1 < len(data) && (data[i+1] == ',' || data[i+1] == '\\'):
			i++
			b.WriteByte(data[i])
		default:
			b.WriteByte(data[i])
		}
	}
	flush()
	return values
}

var errNoValue = errors.New("there is no value, give one")

// encodeText encodes comma separated values by a definition.
func encodeText(d *OptionDef, data string) ([]byte, error) {
	values := splitData(data)
	switch {
	case d.Type == "static-routes":
		return staticRoutes(values)
	case d.Type == "dnr":
		return resolvers(data)
	case d.Type == "record":
		return encodeRecord(d, values)
	case d.Type == "empty" && len(values) == 0:
		return nil, nil
	case len(values) == 0 && (!d.Array || d.Type != "ipv4-address"):
		return nil, errNoValue
	case d.Type == "string" && values[0] == "":
		return nil, errNoValue
	case d.Array && d.Type == "fqdn" && d.Space == SpaceDHCP4 && d.Code == 119:
		return searchList(values)
	case d.Array && d.Code == 143:
		return longTuples(values)
	case !d.Array:
		values = values[:1] // as Kea; the caller warns
	}
	return encodeAll(nil, d.Type, values)
}

func encodeAll(out []byte, kind string, values []string) ([]byte, error) {
	var err error
	for _, v := range values {
		if out, err = appendField(out, kind, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// encodeRecord encodes fields in order; of an array the last field repeats.
func encodeRecord(d *OptionDef, values []string) ([]byte, error) {
	types := d.RecordTypes
	if len(values) < len(types) {
		return nil, fmt.Errorf("%d values are too few, the record has %d fields: %s", len(values), len(types), strings.Join(types, ", "))
	}
	var out []byte
	var err error
	for i, kind := range types {
		if out, err = appendField(out, kind, values[i]); err != nil {
			return nil, err
		}
	}
	if d.Array {
		return encodeAll(out, types[len(types)-1], values[len(types):])
	}
	return out, nil
}

// longTuples are tuples with a length of two bytes (RFC 8572 section 8.3).
func longTuples(values []string) ([]byte, error) {
	var out []byte
	for _, v := range values {
		if len(v) > 0xffff {
			return nil, errors.New("a URI holds at most 65535 bytes")
		}
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(v))), v...)
	}
	return out, nil
}

// decodeBinary reads data of csv-format false: 'quoted text', "0x0102",
// "0102", "01:02" or "01 02" (Kea: str.cc, decodeFormattedHexString).
func decodeBinary(data string) ([]byte, error) {
	trimmed := strings.TrimSpace(data)
	if n := len(trimmed); n > 1 && trimmed[0] == '\'' && trimmed[n-1] == '\'' {
		return []byte(strings.TrimSpace(trimmed[1 : n-1])), nil
	}
	for _, separator := range []string{":", " "} {
		if strings.Contains(data, separator) {
			return separated(strings.Split(data, separator), data)
		}
	}
	digits := data
	if len(data) > 2 {
		digits = strings.TrimPrefix(data, "0x")
	}
	return appendHex(nil, digits)
}

func separated(parts []string, data string) ([]byte, error) {
	var out []byte
	for _, p := range parts {
		if len(p) != 1 && len(p) != 2 {
			return nil, fmt.Errorf("%q is not hexadecimal: one or two digits between separators", data)
		}
		b, err := hex.DecodeString(("0" + p)[len(p)-1:])
		if err != nil {
			return nil, fmt.Errorf("%q is not a string of hexadecimal digits", data)
		}
		out = append(out, b...)
	}
	return out, nil
}

// fits checks binary data against a definition.
func fits(d *OptionDef, data []byte) error {
	size := fieldTypes[d.Type]
	switch {
	case d.Type == "record":
		return fitsRecord(d, data)
	case d.Type == "fqdn":
		return fitsNames(d.Array, data)
	case d.Code == codeVivso && d.Space == SpaceDHCP4:
		if len(data) < 4 {
			return errors.New("the enterprise number needs 4 bytes")
		}
		return nil
	case d.Array && size > 0:
		if len(data)%size != 0 || len(data) == 0 && d.Type != "ipv4-address" {
			return fmt.Errorf("%d bytes are not a number of %s values of %d bytes", len(data), d.Type, size)
		}
	case size > 0 && len(data) < size:
		return fmt.Errorf("%d bytes are too few for %s of %d bytes", len(data), d.Type, size)
	case d.Type == "string" && len(data) == 0:
		return errNoValue
	}
	return nil
}

func fitsRecord(d *OptionDef, data []byte) error {
	least := 0
	for _, kind := range d.RecordTypes {
		least += fieldTypes[kind]
	}
	if len(data) < least {
		return fmt.Errorf("%d bytes are too few for the record of %s", len(data), strings.Join(d.RecordTypes, ", "))
	}
	if slices.Contains(d.RecordTypes, "fqdn") || !d.Array {
		return nil
	}
	if size := fieldTypes[d.RecordTypes[len(d.RecordTypes)-1]]; size > 0 && (len(data)-least)%size != 0 {
		return fmt.Errorf("%d bytes do not end with a whole field", len(data))
	}
	return nil
}

func fitsNames(array bool, data []byte) error {
	at := 0
	for at < len(data) {
		n := nameLength(data, at)
		if n == 0 {
			return errors.New("this is not a domain name in wire form")
		}
		if at += n; !array {
			break
		}
	}
	if at == 0 {
		return errors.New("there is no name, give one")
	}
	return nil
}
