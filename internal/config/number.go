package config

import (
	"fmt"
	"strings"
)

// Numbers that Kea reads and JSON does not have: ".5", "5.", "+0.5" and "0100",
// which is decimal (Kea: dhcp4_lexer.ll).

// number copies the number at i into flat, in JSON's form, and returns where
// the next token begins. What is no number either way the JSON parser refuses.
func (s *source) number(f *file, data []byte, i int) int {
	end := i
	for end < len(data) && strings.IndexByte("+-.0123456789eE", data[end]) >= 0 {
		end++
	}
	written := string(data[i:end])
	plain, ok := plainNumber(written)
	if !ok || plain == written {
		s.flat = append(s.flat, written...)
		return end
	}
	if leadingZeros(written) {
		s.warnings = append(s.warnings, Problem{f.position(i), fmt.Sprintf("%s has leading zeros, it is taken as %s", written, plain)})
	}
	s.flat = append(s.flat, plain...)
	s.pieces = append(s.pieces, piece{len(s.flat), f, end})
	return end
}

// plainNumber is a number of Kea's in JSON's form. A plus sign is for numbers
// with a decimal point or exponent only.
func plainNumber(written string) (_ string, ok bool) {
	sign, rest := cutSign(written)
	whole, rest := cutDigits(rest)
	rest, point := strings.CutPrefix(rest, ".")
	part := ""
	if point {
		part, rest = cutDigits(rest)
	}
	switch {
	case whole+part == "", rest != "" && !isExponent(rest):
		return "", false
	case sign == "+" && !point && rest == "":
		return "", false
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if point && part == "" {
		part = "0"
	}
	if point {
		whole += "."
	}
	return strings.TrimPrefix(sign, "+") + whole + part + rest, true
}

// leadingZeros tells a number that another reader may take for an octal one.
func leadingZeros(written string) bool {
	_, rest := cutSign(written)
	whole, _ := cutDigits(rest)
	return len(whole) > 1 && whole[0] == '0'
}

func isExponent(s string) bool {
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	_, s = cutSign(s[1:])
	power, rest := cutDigits(s)
	return power != "" && rest == ""
}

func cutSign(s string) (sign, rest string) {
	rest = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if len(s)-len(rest) > 1 {
		return "", s
	}
	return s[:len(s)-len(rest)], rest
}

func cutDigits(s string) (digits, rest string) {
	rest = strings.TrimLeft(s, "0123456789")
	return s[:len(s)-len(rest)], rest
}
