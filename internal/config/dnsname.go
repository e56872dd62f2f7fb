package config

import (
	"errors"
	"fmt"
	"strings"
)

const (
	labelMax   = 63  // bytes, RFC 1035 section 2.3.4
	nameMax    = 255 // bytes in wire form
	pointerTag = 0xc0
	pointerMax = 0x3fff
)

// appendName writes a domain name in wire form (RFC 1035 section 3.1).
func appendName(out []byte, name string) ([]byte, error) {
	labels, err := labelsOf(name)
	if err != nil {
		return nil, err
	}
	for _, l := range labels {
		out = append(append(out, byte(len(l))), l...)
	}
	return append(out, 0), nil
}

func labelsOf(name string) ([]string, error) {
	if name == "." {
		return nil, nil
	}
	trimmed := strings.TrimSuffix(name, ".")
	if trimmed == "" || len(trimmed)+2 > nameMax {
		return nil, fmt.Errorf("%q is not a domain name of 1 to %d bytes", name, nameMax-2)
	}
	labels := strings.Split(trimmed, ".")
	for _, l := range labels {
		if l == "" || len(l) > labelMax {
			return nil, fmt.Errorf("%q is not a domain name: a label must have 1 to %d bytes", name, labelMax)
		}
	}
	return labels, nil
}

// searchList writes names one after the other and points back at endings
// written before (RFC 3397 section 2, RFC 1035 section 4.1.4).
func searchList(names []string) ([]byte, error) {
	var out []byte
	seen := make(map[string]int)
	for _, name := range names {
		labels, err := labelsOf(name)
		if err != nil {
			return nil, err
		}
		out = appendCompressed(out, labels, seen)
	}
	if len(out) == 0 {
		return nil, errors.New("the list of names is empty")
	}
	return out, nil
}

func appendCompressed(out []byte, labels []string, seen map[string]int) []byte {
	for i, l := range labels {
		ending := strings.ToLower(strings.Join(labels[i:], "."))
		if at, ok := seen[ending]; ok {
			return append(out, pointerTag|byte(at>>8), byte(at))
		}
		if len(out) <= pointerMax {
			seen[ending] = len(out)
		}
		out = append(append(out, byte(len(l))), l...)
	}
	return append(out, 0)
}

// nameLength is the wire length of the name at the start of data[at:], a
// pointer counting as its end; 0 if there is no whole name or it points
// forward.
func nameLength(data []byte, at int) int {
	for i := at; i < len(data); {
		n := int(data[i])
		switch {
		case n == 0:
			return i + 1 - at
		case n >= pointerTag:
			if i+1 >= len(data) || (n&^pointerTag)<<8|int(data[i+1]) >= i {
				return 0
			}
			return i + 2 - at
		case n > labelMax:
			return 0
		}
		i += 1 + n
	}
	return 0
}
