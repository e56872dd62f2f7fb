package config

import (
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
)

// includeDepthMax bounds nested includes, as Kea does (dhcp4_lexer.ll, includeFile).
const includeDepthMax = 10

// nestingMax bounds lists and maps within each other; Kea's grammar needs 10,
// user contexts may need more.
const nestingMax = 200

// source is a document as one run of plain JSON: includes spliced in, comments
// blanked, so that offsets still name a file and a place in it.
type source struct {
	flat   []byte
	pieces []piece // sorted by start
	open   []string
	depth  int // of brackets
	read   func(string) ([]byte, error)

	warnings []Problem // about the text itself
}

// piece is a stretch of flat that came from one file without interruption.
type piece struct {
	start int // in flat
	file  *file
	from  int // in file
}

type file struct {
	name  string
	lines []int // offset of each line's first byte
}

// syntaxError is a problem of the text itself; nothing can be read after it.
type syntaxError struct {
	at   Position
	text string
}

func (e *syntaxError) Error() string { return Problem{e.at, e.text}.String() }

// newSource prepares data, reading includes relative to the process's working
// directory: Kea opens the name as written.
func newSource(name string, data []byte) (*source, error) {
	s := &source{read: os.ReadFile}
	return s, s.add(name, data)
}

// add appends one file's text to flat.
func (s *source) add(name string, data []byte) error {
	s.open = append(s.open, name)
	defer func() { s.open = s.open[:len(s.open)-1] }()
	f := &file{name: name, lines: lineStarts(data)}
	s.pieces = append(s.pieces, piece{len(s.flat), f, 0})
	for i := 0; i < len(data); {
		end, err := s.token(f, data, i)
		if err != nil {
			return err
		}
		i = end
	}
	return nil
}

// token copies one string, comment, include, number or byte at i and returns where the
// next begins.
func (s *source) token(f *file, data []byte, i int) (int, error) {
	rest := data[i:]
	switch {
	case rest[0] == '"':
		end := stringEnd(data, i)
		s.flat = append(s.flat, data[i:end]...)
		return end, nil
	case rest[0] == '#', has(rest, "//"):
		return s.blank(data, i, lineEnd(data, i)), nil
	case has(rest, "/*"):
		end := find(data, i+2, "*/")
		if end < 0 {
			return 0, f.errorAt(i, "this comment has no end, close it with */")
		}
		return s.blank(data, i, end+2), nil
	case has(rest, "<?"):
		return s.include(f, data, i)
	case strings.IndexByte("+-.0123456789", rest[0]) >= 0:
		return s.number(f, data, i), nil
	}
	if err := s.nest(f, i, rest[0]); err != nil {
		return 0, err
	}
	s.flat = append(s.flat, rest[0])
	return i + 1, nil
}

func (s *source) nest(f *file, i int, b byte) error {
	switch b {
	case '{', '[':
		s.depth++
	case '}', ']':
		s.depth--
	}
	if s.depth > nestingMax {
		return f.errorAt(i, fmt.Sprintf("lists and maps are nested more than %d deep, flatten them", nestingMax))
	}
	return nil
}

// blank writes spaces for data[i:end], keeping line ends.
func (s *source) blank(data []byte, i, end int) int {
	for _, b := range data[i:end] {
		if b != '\n' {
			b = ' '
		}
		s.flat = append(s.flat, b)
	}
	return end
}

// include splices the file named by <?include "name"?> at i.
func (s *source) include(f *file, data []byte, i int) (int, error) {
	name, end, ok := includeName(data, i)
	if !ok {
		return 0, f.errorAt(i, `this directive is not understood, write <?include "file"?>`)
	}
	if slices.Contains(s.open, name) {
		return 0, f.errorAt(i, fmt.Sprintf("%s includes itself, remove one of the includes", name))
	}
	if len(s.open) > includeDepthMax {
		return 0, f.errorAt(i, fmt.Sprintf("includes are nested more than %d deep, flatten them", includeDepthMax))
	}
	text, err := s.read(name)
	if err != nil {
		return 0, f.errorAt(i, fmt.Sprintf("cannot include: %v; the path is taken as the process sees it", err))
	}
	if err := s.add(name, text); err != nil {
		return 0, err
	}
	s.pieces = append(s.pieces, piece{len(s.flat), f, end})
	return end, nil
}

// position tells the file, line and column of an offset in flat.
func (s *source) position(offset int) Position {
	i := sort.Search(len(s.pieces), func(i int) bool { return s.pieces[i].start > offset }) - 1
	p := s.pieces[i]
	return p.file.position(p.from + offset - p.start)
}

func (f *file) position(offset int) Position {
	line := sort.SearchInts(f.lines, offset+1)
	return Position{File: f.name, Line: line, Column: offset - f.lines[line-1] + 1}
}

func (f *file) errorAt(offset int, text string) error {
	return &syntaxError{f.position(offset), text}
}
