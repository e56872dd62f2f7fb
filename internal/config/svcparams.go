package config

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// serviceKeys are the service parameters a resolver may have (RFC 9463 section
// 3.1.5; the numbers are IANA's for SvcParamKeys).
var serviceKeys = map[string]uint16{"alpn": 1, "port": 3, "ech": 5, "dohpath": 7}

type serviceParam struct {
	key   uint16
	value []byte
}

// appendServiceParams writes "alpn=dot\,doq port=853" in the order of the keys'
// numbers (RFC 9460 section 2.2).
func appendServiceParams(out []byte, fields []string) ([]byte, error) {
	var params []serviceParam
	for _, word := range strings.Fields(strings.Join(fields, ",")) {
		p, err := parseServiceParam(word)
		if err != nil {
			return nil, err
		}
		params = append(params, p)
	}
	slices.SortStableFunc(params, func(a, b serviceParam) int { return int(a.key) - int(b.key) })
	for i, p := range params {
		if i > 0 && params[i-1].key == p.key {
			return nil, fmt.Errorf("service parameter %d is given twice", p.key)
		}
		out = binary.BigEndian.AppendUint16(out, p.key)
		out = binary.BigEndian.AppendUint16(out, uint16(len(p.value)))
		out = append(out, p.value...)
	}
	return out, nil
}

func parseServiceParam(word string) (serviceParam, error) {
	name, value, ok := strings.Cut(word, "=")
	key := serviceKeys[name]
	if !ok || key == 0 {
		return serviceParam{}, fmt.Errorf("%q is not a service parameter, write alpn=, port=, ech= or dohpath=", word)
	}
	p := serviceParam{key: key}
	switch name {
	case "alpn":
		for _, id := range strings.Split(value, ",") {
			if id == "" || len(id) > 255 {
				return p, fmt.Errorf("%q has an empty or overlong protocol", word)
			}
			p.value = append(append(p.value, byte(len(id))), id...)
		}
	case "port":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return p, fmt.Errorf("%q is not a port", word)
		}
		p.value = binary.BigEndian.AppendUint16(nil, uint16(n))
	default:
		p.value = []byte(value)
	}
	return p, nil
}
