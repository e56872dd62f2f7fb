package config

import (
	"fmt"
	"strings"
)

// String gives file:line:column.
func (p Position) String() string {
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// String gives the one line an operator reads: file:line:column: path: text.
func (p Problem) String() string {
	line := p.At.String() + ": " + p.Text
	if p.At.Path != "" {
		line = p.At.String() + ": " + p.At.Path + ": " + p.Text
	}
	return strings.ReplaceAll(line, "\n", `\n`) // a key may hold a line feed
}

// Problems is everything wrong with a configuration, in the order found.
type Problems []Problem

// Error implements error: one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// checker collects problems while a document is read. One goroutine owns it.
type checker struct {
	src      *source
	problems Problems
	warnings Problems
	said     map[Problem]bool // the same thing inherited by a thousand subnets is one problem
	defs     *definitions
	seen     func(table, key string) // told of every key accepted; nil outside tests
}

func (c *checker) fail(n *node, format string, args ...any) {
	c.say(&c.problems, Problem{n.position(c.src), fmt.Sprintf(format, args...)})
}

func (c *checker) failKey(n *node, format string, args ...any) {
	c.say(&c.problems, Problem{n.keyPosition(c.src), fmt.Sprintf(format, args...)})
}

func (c *checker) warn(n *node, format string, args ...any) {
	c.say(&c.warnings, Problem{n.keyPosition(c.src), fmt.Sprintf(format, args...)})
}

// wrong is fail for a value that has left its node behind.
func (c *checker) wrong(at Position, format string, args ...any) {
	c.say(&c.problems, Problem{at, fmt.Sprintf(format, args...)})
}

func (c *checker) say(list *Problems, p Problem) {
	if c.said[p] {
		return
	}
	c.said[p] = true
	*list = append(*list, p)
}
