package transcript

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
)

// File is one transcript.
type File struct {
	Name    string
	Opening []string // comment lines
	Blocks  []Block
}

// Block is some steps and what came back.
type Block struct {
	Steps []Step
	Want  []string
	lines []string // of the steps, as written
}

// Step is one line of a transcript, or a line with a JSON object after it.
type Step struct {
	Line int
	Verb string
	Args []Arg
	JSON string // of config and reload
}

// Arg is name=value, or a bare word with an empty name.
type Arg struct{ Name, Value string }

// Get returns the value of a named argument.
func (s *Step) Get(name string) (string, bool) {
	for _, a := range s.Args {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// Has tells whether a bare word was given.
func (s *Step) Has(word string) bool {
	for _, a := range s.Args {
		if a.Name == "" && a.Value == word {
			return true
		}
	}
	return false
}

// dashes ends the steps of a block.
const dashes = "----"

// parse reads a transcript. name is used in errors.
func parse(name string, data []byte) (*File, error) {
	p := parser{file: &File{Name: name}}
	in := bufio.NewScanner(bytes.NewReader(data))
	for in.Scan() {
		p.line++
		if err := p.take(in.Text()); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, p.line, err)
		}
	}
	p.finish()
	if len(p.file.Opening) == 0 {
		return nil, fmt.Errorf("%s: begins with no comment that says what it shows", name)
	}
	return p.file, in.Err()
}

type parser struct {
	file  *File
	line  int
	block Block
	want  bool  // past the dashes
	json  *Step // inside { ... }
}

func (p *parser) take(line string) error {
	text := strings.TrimSpace(line)
	switch {
	case p.json != nil:
		p.block.lines = append(p.block.lines, line)
		p.json.JSON += line + "\n"
		if line == "}" {
			p.json = nil
		}
	case p.want && text == "":
		p.finish()
	case p.want:
		p.block.Want = append(p.block.Want, text)
	case strings.HasPrefix(text, "#") && len(p.file.Blocks) == 0 && len(p.block.lines) == 0:
		p.file.Opening = append(p.file.Opening, line)
	case text == dashes:
		p.want = true
	case text == "" && len(p.block.lines) == 0:
	case text == "" || strings.HasPrefix(text, "#"):
		p.block.lines = append(p.block.lines, line)
	default:
		return p.step(line)
	}
	return nil
}

func (p *parser) step(line string) error {
	p.block.lines = append(p.block.lines, line)
	words, err := split(line)
	if err != nil {
		return err
	}
	s := Step{Line: p.line, Verb: words[0]}
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			name, value = "", w
		}
		s.Args = append(s.Args, Arg{name, value})
	}
	p.block.Steps = append(p.block.Steps, s)
	if last := &p.block.Steps[len(p.block.Steps)-1]; last.Has("{") {
		last.JSON = "{\n"
		p.json = last
	}
	return nil
}

func (p *parser) finish() {
	if len(p.block.lines) > 0 {
		p.file.Blocks = append(p.file.Blocks, p.block)
	}
	p.block, p.want = Block{}, false
}

// split cuts a line at blanks, but not inside double quotes, which stay.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted := false
	for _, r := range line + " " {
		switch {
		case r == '"':
			quoted = !quoted
			word.WriteRune(r)
		case r != ' ' && r != '\t' || quoted:
			word.WriteRune(r)
		case word.Len() > 0:
			words = append(words, word.String())
			word.Reset()
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quotation mark is missing")
	}
	return words, nil
}

// Format writes the transcript with got, the lines of each block, in place of
// what it expected.
func (f *File) Format(got [][]string) []byte {
	var out bytes.Buffer
	for _, l := range f.Opening {
		fmt.Fprintln(&out, l)
	}
	for i, b := range f.Blocks {
		if i > 0 {
			fmt.Fprintln(&out)
		}
		for _, l := range b.lines {
			fmt.Fprintln(&out, l)
		}
		fmt.Fprintln(&out, dashes)
		for _, l := range got[i] {
			fmt.Fprintln(&out, l)
		}
	}
	return out.Bytes()
}
