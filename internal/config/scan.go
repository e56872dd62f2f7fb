package config

import (
	"bytes"
	"strings"
)

// Small scanners over raw text for source.go. None of them fails: an
// unterminated string runs to the end and the JSON parser complains.

func has(b []byte, prefix string) bool { return bytes.HasPrefix(b, []byte(prefix)) }

// find is bytes.Index from an offset; -1 when absent.
func find(data []byte, from int, what string) int {
	if from > len(data) {
		return -1
	}
	if i := bytes.Index(data[from:], []byte(what)); i >= 0 {
		return from + i
	}
	return -1
}

// lineEnd is the offset of the line feed that ends the line of i.
func lineEnd(data []byte, i int) int {
	if end := find(data, i, "\n"); end >= 0 {
		return end
	}
	return len(data)
}

// stringEnd is the offset behind the string that opens at i.
func stringEnd(data []byte, i int) int {
	for j := i + 1; j < len(data); j++ {
		switch data[j] {
		case '\\':
			j++
		case '"', '\n':
			return j + 1
		}
	}
	return len(data)
}

// lineStarts lists the offset of each line's first byte.
func lineStarts(data []byte) []int {
	starts := []int{0}
	for i, b := range data {
		if b == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// includeName reads <?include "name"?> at i: the name and the offset behind it.
func includeName(data []byte, i int) (name string, end int, ok bool) {
	end = find(data, i, "?>")
	if end < 0 {
		return "", 0, false
	}
	words := strings.TrimSpace(string(data[i+2 : end]))
	rest, ok := strings.CutPrefix(words, "include")
	rest = strings.TrimSpace(rest)
	if !ok || len(rest) < 3 || rest[0] != '"' || rest[len(rest)-1] != '"' {
		return "", 0, false
	}
	name = rest[1 : len(rest)-1]
	return name, end + 2, !strings.ContainsAny(name, "\"\n")
}
