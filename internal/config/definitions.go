package config

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Option spaces with a meaning of their own.
const (
	SpaceDHCP4        = "dhcp4"
	spaceVendor       = "vendor-encapsulated-options-space" // option 43
	spaceAgent        = "dhcp-agent-options-space"          // option 82
	spaceCablelabs    = "cablelabs-client-conf"             // option 122
	spaceVendorPrefix = "vendor-"                           // and the enterprise number: option 125
	spaceVendorCable  = "vendor-4491"                       // CableLabs' options within 125
	spaceDocsis       = "docsis3-v4"                        // where Kea keeps their definitions
)

const codeVivso = 125

// optionKey names a definition by code; the space comes first.
type optionKey struct {
	space string
	code  uint8
}

type optionName struct{ space, name string }

// definitions finds option definitions. The standard ones are shared and never
// change; a configuration adds its own.
type definitions struct {
	dhcp4  []OptionDef
	byCode map[optionKey]*OptionDef
	byName map[optionName]*OptionDef
	next   *definitions // asked when there is nothing here
}

func newDefinitions(next *definitions) *definitions {
	return &definitions{
		byCode: make(map[optionKey]*OptionDef),
		byName: make(map[optionName]*OptionDef),
		next:   next,
	}
}

// standard are the definitions built in: Kea's first, then IANA's.
var standard = sync.OnceValue(func() *definitions {
	iana := newDefinitions(nil)
	iana.addAll(parseOptions(SpaceDHCP4, ianaOptions))
	d := newDefinitions(iana)
	for space, table := range map[string]string{
		SpaceDHCP4: dhcp4Options, spaceAgent: agentOptions,
		spaceCablelabs: cablelabsOptions, spaceVendorCable: docsisOptions, spaceDocsis: docsisOptions,
	} {
		d.addAll(parseOptions(space, table))
	}
	d.dhcp4 = append(parseOptions(SpaceDHCP4, dhcp4Options), parseOptions(SpaceDHCP4, ianaOptions)...)
	slices.SortFunc(d.dhcp4, func(a, b OptionDef) int { return int(a.Code) - int(b.Code) })
	return d
})

func (d *definitions) addAll(defs []OptionDef) {
	for i := range defs {
		d.add(&defs[i])
	}
}

func (d *definitions) add(def *OptionDef) {
	d.byCode[optionKey{def.Space, def.Code}] = def
	d.byName[optionName{def.Space, def.Name}] = def
}

func (d *definitions) code(space string, code uint8) *OptionDef {
	key := optionKey{space, code}
	return d.find(space, func(d *definitions) *OptionDef { return d.byCode[key] })
}

func (d *definitions) name(space, name string) *OptionDef {
	key := optionName{space, name}
	return d.find(space, func(d *definitions) *OptionDef { return d.byName[key] })
}

// find asks the configuration's own definitions before the standard ones; for
// CableLabs' options the other way round, as Kea does.
func (d *definitions) find(space string, in func(*definitions) *OptionDef) *OptionDef {
	if space == spaceVendorCable {
		if std := in(standard()); std != nil {
			return std
		}
	}
	for ; d != nil; d = d.next {
		if def := in(d); def != nil {
			return def
		}
	}
	return nil
}

// names lists every name of a space, for hints.
func (d *definitions) names(space string) []string {
	var names []string
	for ; d != nil; d = d.next {
		for k := range d.byName {
			if k.space == space {
				names = append(names, k.name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// redefinable tells whether a configuration may define a standard option
// itself. In space dhcp4 those are the options that Kea 2.2 did not have, and
// that files written for it define (option 121 above all); in the other spaces
// all but those of CableLabs.
func redefinable(d *OptionDef) bool {
	if d.Space != SpaceDHCP4 {
		return d.Space != spaceDocsis
	}
	switch code := d.Code; {
	case code == 43, code == 121, code == 122, code == 143, code == 162:
		return true
	case code >= 151 && code <= 157:
		return true
	}
	return false
}

// enterprise is the number in a vendor-NUMBER space.
func enterprise(space string) (uint32, bool) {
	digits, ok := strings.CutPrefix(space, spaceVendorPrefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil
}
