package config

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"

	"needletail/internal/keastring"
)

// kind is the type of a JSON value as Kea's grammar sees it: a number with a
// decimal point or exponent is another thing than one without.
type kind string

const (
	null    kind = "null"
	boolean kind = "boolean"
	integer kind = "integer"
	float   kind = "number with a decimal point"
	text    kind = "string"
	list    kind = "list"
	object  kind = "map"
)

// named is the kind with its article.
func (k kind) named() string {
	switch k {
	case integer:
		return "an integer"
	case null:
		return "null"
	}
	return "a " + string(k)
}

// node is one value of the document and its place.
type node struct {
	kind    kind
	start   int    // offset of the value
	literal string // numbers and booleans as written, strings unescaped
	num     int64
	real    float64
	items   []*node // of a list or map, in the order of the file
	key     string  // in a map
	keyAt   int     // offset of the key
	index   int     // in a list
	parent  *node
}

// parseTree parses the prepared text. Names given twice in one map are
// problems; the first value counts.
func (c *checker) parseTree() (*node, error) {
	v, err := hujson.Parse(c.src.flat)
	if err != nil {
		return nil, c.src.syntaxError(err)
	}
	return c.node(v, &node{}), nil
}

// syntaxError gives a hujson error its place in the right file.
func (s *source) syntaxError(err error) error {
	line, column := 1, 1
	fmt.Sscanf(err.Error(), "hujson: line %d, column %d:", &line, &column)
	inner := errors.Unwrap(err)
	if inner == nil {
		inner = err
	}
	starts := lineStarts(s.flat)
	at := s.position(min(starts[line-1]+column-1, max(len(s.flat)-1, 0)))
	what := strings.ReplaceAll(inner.Error(), "\n", " ")
	if errors.Is(err, io.ErrUnexpectedEOF) {
		what = "the text ends too early, close what is open"
	}
	return &syntaxError{at, "this is not JSON: " + what}
}

// node fills n, of which the place in its parent is known, from v.
func (c *checker) node(v hujson.Value, n *node) *node {
	n.start = v.StartOffset
	switch v := v.Value.(type) {
	case hujson.Literal:
		n.setLiteral(v)
		if n.kind == text {
			n.literal = c.unquoted(n, n.start, v)
		}
	case *hujson.Array:
		n.kind, n.items = list, make([]*node, len(v.Elements))
		for i, e := range v.Elements {
			n.items[i] = c.node(e, &node{parent: n, index: i})
		}
	case *hujson.Object:
		n.kind = object
		c.members(n, v)
	}
	return n
}

func (c *checker) members(n *node, o *hujson.Object) {
	seen := make(map[string]*node, len(o.Members))
	for _, m := range o.Members {
		name := c.unquoted(n, m.Name.StartOffset, m.Name.Value.(hujson.Literal))
		value := c.node(m.Value, &node{parent: n, key: name, keyAt: m.Name.StartOffset})
		if first := seen[value.key]; first != nil {
			c.failKey(value, "%q is given twice, first in line %d; remove one", value.key, first.keyPosition(c.src).Line)
			continue
		}
		seen[value.key] = value
		n.items = append(n.items, value)
	}
}

// unquoted is the string l at an offset, which is n or a key in it.
func (c *checker) unquoted(n *node, at int, l hujson.Literal) string {
	s, err := keastring.Parse(l)
	if err != nil {
		c.wrong(n.place(c.src, at), `this string has \u of more than \u00ff, which is more than a byte; write the character itself`)
		return string(l[1 : len(l)-1])
	}
	return s
}

func (n *node) setLiteral(l hujson.Literal) {
	n.literal = string(l)
	switch l.Kind() {
	case 'n':
		n.kind = null
	case 't', 'f':
		n.kind = boolean
	case '"':
		n.kind = text
	default:
		n.setNumber()
	}
}

// setNumber keeps the nearest value of a number too large for the machine: no
// key takes one that large.
func (n *node) setNumber() {
	if n.kind = integer; strings.ContainsAny(n.literal, ".eE") {
		n.kind = float
		n.real, _ = strconv.ParseFloat(n.literal, 64)
		return
	}
	n.num, _ = strconv.ParseInt(n.literal, 10, 64)
}

// get returns the member called name, nil if there is none.
func (n *node) get(name string) *node {
	if n == nil || n.kind != object {
		return nil
	}
	for _, m := range n.items {
		if m.key == name {
			return m
		}
	}
	return nil
}

func (n *node) position(s *source) Position { return n.place(s, n.start) }

// keyPosition is the place of the key if there is one, else of the value.
func (n *node) keyPosition(s *source) Position {
	if n.parent != nil && n.parent.kind == object {
		return n.place(s, n.keyAt)
	}
	return n.place(s, n.start)
}

func (n *node) place(s *source, offset int) Position {
	p := s.position(offset)
	p.Path = n.path()
	return p
}

// path is the JSON path, for example /Dhcp4/subnet4/0/pools/1.
func (n *node) path() string {
	switch {
	case n.parent == nil:
		return ""
	case n.parent.kind == list:
		return n.parent.path() + "/" + strconv.Itoa(n.index)
	}
	return n.parent.path() + "/" + n.key
}

// depth counts the levels above; the deeper of two nodes is the more specific.
func (n *node) depth() int {
	d := 0
	for ; n != nil; n = n.parent {
		d++
	}
	return d
}
