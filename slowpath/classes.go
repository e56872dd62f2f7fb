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

// guardsMax is how many different classes guards may name, and nobody the bit
// of all other classes they name: no client we answer is ever in them.
const (
	guardsMax          = 63
	nobody    classSet = 1 << guardsMax
)

// classBits gives bits to the classes guards name that a client can be in.
// Those are built into Kea and need no definition; KNOWN is not among them, as
// there are no reservations, nor is any class that would need a definition.
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
		set |= b.bit(name)
	}
	if len(b.byName) > guardsMax {
		return 0, fmt.Errorf("%s:%d:%d: %s: more than %d different client classes are used as guards", at.File, at.Line, at.Column, at.Path, guardsMax)
	}
	return set, nil
}

func (b *classBits) bit(name string) classSet {
	if bit, ok := b.byName[name]; ok {
		return bit
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
	default:
		return nobody
	}
	b.byName[name] = bit
	return bit
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
