package config

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// opt is a value that a level may or may not give. A value without a node is a
// default.
type opt[T any] struct {
	value T
	at    *node
	set   bool
}

func given[T any](v T, at *node) opt[T] { return opt[T]{v, at, true} }

// or is inheritance: o if given, else what the level above says.
func (o opt[T]) or(above opt[T]) opt[T] {
	if o.set {
		return o
	}
	return above
}

func (o opt[T]) get(otherwise T) T {
	if o.set {
		return o.value
	}
	return otherwise
}

// Rows of the grammar for plain values. into tells where the value goes.

// number is an integer between low and high.
func number[T any](name string, low, high int64, into func(*T) *opt[int64]) key[T] {
	return key[T]{name: name, kind: integer, state: stateDone, read: func(c *checker, n *node, t *T) {
		if c.between(n, low, high) {
			*into(t) = given(n.num, n)
		}
	}}
}

// seconds is a time in seconds, up to 2^32-1 as in Kea.
func seconds[T any](name string, into func(*T) *opt[int64]) key[T] {
	return number(name, 0, math.MaxUint32, into)
}

func toggle[T any](name string, into func(*T) *opt[bool]) key[T] {
	return key[T]{name: name, kind: boolean, state: stateDone, read: func(_ *checker, n *node, t *T) {
		*into(t) = given(n.literal == "true", n)
	}}
}

func fraction[T any](name string, into func(*T) *opt[float64]) key[T] {
	return key[T]{name: name, kind: float, state: stateDone, read: func(_ *checker, n *node, t *T) {
		*into(t) = given(n.real, n)
	}}
}

func word[T any](name string, into func(*T) *opt[string]) key[T] {
	return key[T]{name: name, kind: text, state: stateDone, read: func(_ *checker, n *node, t *T) {
		*into(t) = given(n.literal, n)
	}}
}

// choice is a word out of a few.
func choice[T any](name string, words []string, into func(*T) *opt[string]) key[T] {
	return key[T]{name: name, kind: text, state: stateDone, read: func(c *checker, n *node, t *T) {
		if c.oneOf(n, words) {
			*into(t) = given(n.literal, n)
		}
	}}
}

// ignoredChoice is a word out of a few that is known and not done yet; Kea takes
// most such words in capitals too.
func ignoredChoice[T any](name, harmless string, words ...string) key[T] {
	return key[T]{name: name, kind: text, state: stateIgnored, harmless: strconv.Quote(harmless), read: func(c *checker, n *node, _ *T) {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, n.literal) }) {
			c.oneOf(n, words)
		}
	}}
}

// part keeps a list or map to be read when everything it depends on is known.
func part[T any](name string, k kind, into func(*T) **node) key[T] {
	return key[T]{name: name, kind: k, state: stateDone, read: func(_ *checker, n *node, t *T) {
		*into(t) = n
	}}
}

// but tells what ignoring the row means.
func (k key[T]) but(effect string) key[T] {
	k.effect = "; " + effect
	return k
}

// with gives a row another state.
func (k key[T]) with(s keyState) key[T] {
	k.state = s
	return k
}

// ignored is a row that is known and not done yet.
func ignored[T any](k kind, harmless string, names ...string) []key[T] {
	return plain[T](stateIgnored, k, harmless, names...)
}

// accepted is a row whose value has nothing to act on here.
func accepted[T any](k kind, names ...string) []key[T] {
	return plain[T](stateAccepted, k, "", names...)
}

func plain[T any](s keyState, k kind, harmless string, names ...string) []key[T] {
	rows := make([]key[T], len(names))
	for i, name := range names {
		rows[i] = key[T]{name: name, kind: k, state: s, harmless: harmless}
	}
	return rows
}

// contextKeys are the two rows that stand in almost every map.
func contextKeys[T any]() []key[T] {
	return []key[T]{
		{name: "user-context", kind: object, state: stateDone},
		{name: "comment", kind: text, state: stateDone},
	}
}

func (c *checker) between(n *node, low, high int64) bool {
	if n.num < low || n.num > high {
		c.fail(n, "%s is out of range, it must be %d to %d", n.literal, low, high)
		return false
	}
	return true
}

func (c *checker) oneOf(n *node, words []string) bool {
	if slices.Contains(words, n.literal) {
		return true
	}
	c.fail(n, "%q is not known here, it must be one of %s", n.literal, strings.Join(words, ", "))
	return false
}

// address reads an IPv4 address.
func (c *checker) address(n *node) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.TrimSpace(n.literal))
	if err != nil || !a.Is4() {
		c.fail(n, "%q is not an IPv4 address, write it like 192.0.2.1", n.literal)
		return netip.Addr{}, false
	}
	return a, true
}

// strings reads a list of strings that are not empty.
func (c *checker) strings(n *node) []string {
	var all []string
	for _, item := range n.items {
		if !c.is(item, text) {
			continue
		}
		if strings.TrimSpace(item.literal) == "" {
			c.fail(item, "this string is empty, give a name or remove it")
			continue
		}
		all = append(all, item.literal)
	}
	return all
}

func inSeconds(n int64) time.Duration { return time.Duration(n) * time.Second }
func inMillis(n int64) time.Duration  { return time.Duration(n) * time.Millisecond }
