package config

import (
	"slices"
	"strings"
)

// Classes that need no definition (Kea ARM, "Built-in Client Classes"); of
// those with a prefix there are as many as names behind it.
var (
	builtInClasses  = []string{"ALL", "KNOWN", "UNKNOWN", "BOOTP", "DROP"}
	builtInPrefixes = []string{"HA_", "VENDOR_CLASS_"}
)

// classes reads the classes that guard a network, subnet or pool: a list, or
// the single one of Kea before 2.7.
func (c *checker) classes(old, new *node) []string {
	switch {
	case old != nil && new != nil:
		c.failKey(old, "client-class and client-classes cannot both be given, keep client-classes")
		return nil
	case new != nil:
		for _, item := range new.items {
			c.builtInClass(item)
		}
		return c.strings(new)
	case old != nil && old.literal != "":
		c.builtInClass(old)
		return []string{old.literal}
	}
	return nil
}

// builtInClass warns of any other, since definitions are not supported yet. What
// it guards serves nobody for its sake: without the guard an address would go
// to a client it is not meant for.
func (c *checker) builtInClass(n *node) {
	if n.kind != text || strings.TrimSpace(n.literal) == "" || slices.Contains(builtInClasses, n.literal) {
		return
	}
	for _, prefix := range builtInPrefixes {
		if strings.HasPrefix(n.literal, prefix) {
			return
		}
	}
	c.warn(n, "class %q is not built in, and needletail has no classes of one's own yet: no client is in it", n.literal)
}
