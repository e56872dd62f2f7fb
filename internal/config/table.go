package config

import (
	"slices"
	"strings"
)

// keyState says what becomes of a key that Kea knows.
type keyState string

// The states of a key, as docs/configuration.md shows them.
const (
	stateDone       keyState = "done"
	stateAccepted   keyState = "accepted"     // checked; has nothing to act on here, so no warning
	stateIgnored    keyState = "warning"      // not done yet: a warning tells what is ignored
	stateNotPlanned keyState = "not planned"  // a warning as well
	stateOld        keyState = "done (older)" // the form of Kea before 3.0
)

// key is one row of the grammar: a name, what its value must be, what is done
// with it. A nil read means that the value only has to have the kind.
type key[T any] struct {
	name  string
	kind  kind
	state keyState
	read  func(c *checker, n *node, into *T)
	// harmless is the value, as JSON, which asks for what happens anyway, so
	// that ignoring the key needs no warning.
	harmless string
	// unless is the boolean of a map that must be true for it to ask for anything.
	unless string
	effect string // of ignoring it, for the warning
}

// table is the grammar of one kind of map.
type table[T any] struct {
	name string // where the map stands, for example "subnet4[]"
	keys []key[T]
}

func (t *table[T]) find(name string) *key[T] {
	for i := range t.keys {
		if t.keys[i].name == name {
			return &t.keys[i]
		}
	}
	return nil
}

func (t *table[T]) names() []string {
	names := make([]string, len(t.keys))
	for i, k := range t.keys {
		names[i] = k.name
	}
	return names
}

// owner is whose keys these are.
func (t *table[T]) owner() string {
	if strings.HasPrefix(t.name, ownContext) {
		return "needletail"
	}
	return "Kea"
}

// load reads the map n into a value by the table's rows.
func (t *table[T]) load(c *checker, n *node, into *T) {
	if !c.is(n, object) {
		return
	}
	for _, m := range n.items {
		k := t.find(m.key)
		if k == nil {
			c.failKey(m, "%s has no key %q here%s", t.owner(), m.key, didYouMean(m.key, t.names(), "remove it"))
			continue
		}
		if c.seen != nil {
			c.seen(t.name, m.key)
		}
		k.load(c, m, into)
	}
	if t.find("comment") != nil {
		n.foldComment()
	}
}

// each reads the maps in the list n and hands on those without a problem.
func (t *table[T]) each(c *checker, n *node, take func(*node, *T)) {
	for _, item := range n.items {
		var draft T
		before := len(c.problems)
		if t.load(c, item, &draft); len(c.problems) == before {
			take(item, &draft)
		}
	}
}

func (k *key[T]) load(c *checker, n *node, into *T) {
	if !c.is(n, k.kind) {
		return
	}
	if (k.state == stateIgnored || k.state == stateNotPlanned) && !k.isHarmless(n) {
		c.warn(n, "%s is ignored: needletail does not have it%s%s", k.name, yet[k.state], k.effect)
	}
	if k.read != nil {
		k.read(c, n, into)
	}
}

var yet = map[keyState]string{stateIgnored: " yet"}

// isHarmless tells that ignoring the value changes nothing.
func (k *key[T]) isHarmless(n *node) bool {
	if k.unless != "" {
		on := n.get(k.unless)
		return on == nil || on.literal != "true"
	}
	empty := (n.kind == list || n.kind == object) && len(n.items) == 0
	return empty || k.harmless != "" && string(n.render()) == k.harmless
}

// is reports a value of the wrong kind.
func (c *checker) is(n *node, want kind) bool {
	if n.kind == want {
		return true
	}
	hint := ""
	if want == float && n.kind == integer {
		hint = ", write " + n.literal + ".0"
	}
	c.fail(n, "this is %s, it must be %s%s", n.kind.named(), want.named(), hint)
	return false
}

// didYouMean suggests the nearest name, if one is near, else what to do.
func didYouMean(name string, known []string, otherwise string) string {
	best, distance := "", max(2, len(name)/3)+1
	for _, k := range known {
		if d := editDistance(name, k, distance); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ", " + otherwise
	}
	return ", did you mean " + `"` + best + `"?`
}

// editDistance is Levenshtein's, after making case and "_" alike; limit ends
// the search early where lengths alone exceed it.
func editDistance(a, b string, limit int) int {
	a = strings.ReplaceAll(strings.ToLower(a), "_", "-")
	b = strings.ReplaceAll(strings.ToLower(b), "_", "-")
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = 1 + slices.Min([]int{before, row[j], row[j+1]})
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
