package config

import (
	"fmt"
	"slices"
	"strings"
)

// definitionDraft is one element of option-def as written.
type definitionDraft struct {
	name, kind, record, space, encapsulate opt[string]
	code                                   opt[int64]
	array                                  opt[bool]
}

var definitionTable = table[definitionDraft]{"option-def[]", slices.Concat(
	[]key[definitionDraft]{
		word("name", func(d *definitionDraft) *opt[string] { return &d.name }),
		number("code", 0, 255, func(d *definitionDraft) *opt[int64] { return &d.code }),
		word("type", func(d *definitionDraft) *opt[string] { return &d.kind }),
		word("record-types", func(d *definitionDraft) *opt[string] { return &d.record }),
		word("space", func(d *definitionDraft) *opt[string] { return &d.space }),
		word("encapsulate", func(d *definitionDraft) *opt[string] { return &d.encapsulate }),
		toggle("array", func(d *definitionDraft) *opt[bool] { return &d.array }),
	}, contextKeys[definitionDraft]())}

// optionDefs reads option-def and makes the definitions known to all option
// data of the configuration.
func (c *checker) optionDefs(n *node) []OptionDef {
	if n == nil {
		return nil
	}
	var defs []OptionDef
	definitionTable.each(c, n, func(item *node, draft *definitionDraft) {
		if def, ok := c.define(item, draft); ok {
			defs = append(defs, *def)
		}
	})
	return defs
}

// define checks a definition as Kea does (option_definition.cc, validate;
// cfg_option_def.cc, add).
func (c *checker) define(n *node, draft *definitionDraft) (*OptionDef, bool) {
	if !draft.name.set || !draft.code.set || !draft.kind.set {
		c.fail(n, "an option definition needs name, code and type, add what is missing")
		return nil, false
	}
	d := &OptionDef{
		Space: draft.space.get(SpaceDHCP4), Name: draft.name.value, Code: uint8(draft.code.value),
		Type: draft.kind.value, Array: draft.array.value, Encapsulates: draft.encapsulate.value,
	}
	if record := draft.record.value; strings.TrimSpace(record) != "" {
		for _, kind := range strings.Split(record, ",") {
			d.RecordTypes = append(d.RecordTypes, strings.TrimSpace(kind))
		}
	}
	for _, wrong := range []error{wrongNames(d), wrongType(d), wrongEncapsulation(d), c.wrongCode(d)} {
		if wrong != nil {
			c.fail(n, "%v", wrong)
			return nil, false
		}
	}
	c.defs.add(d)
	for _, found := range []*OptionDef{c.defs.code(d.Space, d.Code), c.defs.name(d.Space, d.Name)} {
		if found != d {
			c.warn(n, "the standard option %d (%s) of space %s comes before this definition, as in Kea", found.Code, found.Name, d.Space)
		}
	}
	return d, true
}

func wrongNames(d *OptionDef) error {
	switch {
	case !isName(d.Name):
		return fmt.Errorf("%q cannot be an option's name, use letters, digits, - and _", d.Name)
	case !isName(d.Space):
		return fmt.Errorf("%q cannot be an option space, use letters, digits, - and _", d.Space)
	case d.Encapsulates != "" && !isName(d.Encapsulates):
		return fmt.Errorf("%q cannot be an option space, use letters, digits, - and _", d.Encapsulates)
	case d.Space == "dhcp6":
		return fmt.Errorf("space dhcp6 is for DHCPv6, use %s or a name of your own", SpaceDHCP4)
	}
	return nil
}

// isName: letters, digits, - and _, the last two not at either end.
func isName(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", r) {
			return false
		}
	}
	return s != "" && strings.Trim(s, "-_") == s
}

func wrongType(d *OptionDef) error {
	if _, ok := fieldTypes[d.Type]; !ok {
		return fmt.Errorf("type %q is not known, it must be one of %s", d.Type, strings.Join(typeNames(), ", "))
	}
	if d.Type == "record" {
		return wrongRecord(d)
	}
	if len(d.RecordTypes) > 0 {
		return fmt.Errorf("record-types are for type record only, this is %q; remove them or change the type", d.Type)
	}
	if d.Array && slices.Contains([]string{"string", "binary", "empty"}, d.Type) {
		return fmt.Errorf("an array of %s has no way to tell values apart, remove array", d.Type)
	}
	return nil
}

func wrongRecord(d *OptionDef) error {
	if len(d.RecordTypes) < 2 {
		return fmt.Errorf("a record has at least two fields, give record-types like \"uint8, string\"")
	}
	last := len(d.RecordTypes) - 1
	for i, kind := range d.RecordTypes {
		_, known := fieldTypes[kind]
		switch {
		case !known || kind == "record" || kind == "empty":
			return fmt.Errorf("%q cannot be a field of a record", kind)
		case i < last && (kind == "string" || kind == "binary"):
			return fmt.Errorf("a %s runs to the end of the option, it can only be the last field", kind)
		case i == last && d.Array && (kind == "string" || kind == "binary"):
			return fmt.Errorf("an array of %s has no way to tell values apart, remove array", kind)
		}
	}
	return nil
}

func wrongEncapsulation(d *OptionDef) error {
	switch {
	case d.Encapsulates != "" && d.Array:
		return fmt.Errorf("an array leaves no room for sub-options, remove array or encapsulate")
	case d.Encapsulates == d.Space:
		return fmt.Errorf("an option cannot encapsulate the space %q it belongs to", d.Space)
	}
	return nil
}

func (c *checker) wrongCode(d *OptionDef) error {
	if d.Space == SpaceDHCP4 && (d.Code == 0 || d.Code == 255) {
		return fmt.Errorf("code %d is PAD or END, use 1 to 254", d.Code)
	}
	if c.defs.byCode[optionKey{d.Space, d.Code}] != nil {
		return fmt.Errorf("code %d of space %s is defined twice, remove one", d.Code, d.Space)
	}
	if c.defs.byName[optionName{d.Space, d.Name}] != nil {
		return fmt.Errorf("%q of space %s is defined twice, remove one", d.Name, d.Space)
	}
	kea := standard()
	if std := kea.byCode[optionKey{d.Space, d.Code}]; std != nil && !redefinable(std) {
		return fmt.Errorf("code %d is the standard option %s, which cannot be defined again", d.Code, std.Name)
	}
	if std := kea.byName[optionName{d.Space, d.Name}]; std != nil && std.Code != d.Code && !redefinable(std) {
		return fmt.Errorf("%s is the standard option %d, give yours another name", d.Name, std.Code)
	}
	return nil
}
