package slowpath

import (
	"fmt"
	"strings"

	"needletail/internal/config"
)

// classSet is a set of client classes, a bit for each class that some guard
// names. Classes no guard names need no bit.
type classSet uint64

// admits tells whether a client of the classes q passes the guard g: one class
// in common is enough, and no guard admits everybody.
func (g classSet) admits(q classSet) bool { return g == 0 || g&q != 0 }

// guardsMax is how many different classes guards may name.
const guardsMax = 64

// classBits gives bits to the classes guards name. Only Kea's built-in ones
// exist: they need no definition.
type classBits struct {
	all    classSet            // ALL and UNKNOWN: every client, as there are no reservations
	ha     map[string]classSet // HA_<server>, by server
	vendor map[string]classSet // VENDOR_CLASS_<option 60>, by content
	byName map[string]classSet
}

const (
	classHA     = "HA_"
	classVendor = "VENDOR_CLASS_"
)

// guard returns the set for a list of class names.
func (b *classBits) guard(names []string, at config.Position) (classSet, error) {
	var set classSet
	for _, name := range names {
		bit, err := b.bit(name)
		if err != nil {
			return 0, fmt.Errorf("%s:%d:%d: %s: %w", at.File, at.Line, at.Column, at.Path, err)
		}
		set |= bit
	}
	return set, nil
}

func (b *classBits) bit(name string) (classSet, error) {
	if bit, ok := b.byName[name]; ok {
		return bit, nil
	}
	if len(b.byName) == guardsMax {
		return 0, fmt.Errorf("client class %q: more than %d different classes are used as guards", name, guardsMax)
	}
	if b.byName == nil {
		b.byName, b.ha, b.vendor = map[string]classSet{}, map[string]classSet{}, map[string]classSet{}
	}
	bit := classSet(1) << len(b.byName)
	server, isHA := strings.CutPrefix(name, classHA)
	vendor, isVendor := strings.CutPrefix(name, classVendor)
	switch {
	case isHA:
		b.ha[server] = bit
	case isVendor:
		b.vendor[vendor] = bit
	case name == "ALL", name == "UNKNOWN":
		b.all |= bit
	case name == "KNOWN", name == "BOOTP", name == "DROP":
		// Built in, but no client we answer is ever in them.
	default:
		return 0, fmt.Errorf("client class %q is not built in, and classes defined by expressions are not supported yet", name)
	}
	b.byName[name] = bit
	return bit, nil
}

// of returns the classes of a query, HA's apart.
func (b *classBits) of(m *message) classSet {
	set := b.all
	if len(b.vendor) > 0 {
		if v := m.option(optVendorClass); v != nil {
			set |= b.vendor[string(v)]
		}
	}
	return set
}
