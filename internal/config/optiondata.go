package config

import (
	"slices"
)

// optionDraft is one element of option-data as written.
type optionDraft struct {
	name, data, space  opt[string]
	code               opt[int64]
	csv, always, never opt[bool]
	classes            *node
	def                *OptionDef
}

var optionTable = table[optionDraft]{"option-data[]", slices.Concat(
	[]key[optionDraft]{
		word("name", func(d *optionDraft) *opt[string] { return &d.name }),
		word("data", func(d *optionDraft) *opt[string] { return &d.data }),
		number("code", 0, 255, func(d *optionDraft) *opt[int64] { return &d.code }),
		word("space", func(d *optionDraft) *opt[string] { return &d.space }),
		toggle("csv-format", func(d *optionDraft) *opt[bool] { return &d.csv }),
		toggle("always-send", func(d *optionDraft) *opt[bool] { return &d.always }),
		toggle("never-send", func(d *optionDraft) *opt[bool] { return &d.never }),
		part("client-classes", list, func(d *optionDraft) **node { return &d.classes }).with(stateIgnored).but("this option is not sent"),
	}, contextKeys[optionDraft]())}

// serverOptions are computed for every reply, whatever the configuration says
// (Kea ARM, "List of standard DHCPv4 options configurable by an administrator"):
// none of them is among the options of a Dhcp4.
var serverOptions = map[uint8]string{
	50: "the client sends it", 51: "it is the lease time granted", 52: "it tells how the reply is packed",
	53: "it is the type of the reply", 55: "the client sends it", 57: "the client sends it",
	61: "it is echoed from the client", 81: "it answers the client's", 82: "it is echoed from the relay",
}

// optionList reads the option-data of one level and puts sub-options into the
// options that encapsulate them.
func (c *checker) optionList(n *node) []Option {
	if n == nil {
		return nil
	}
	var options []Option
	optionTable.each(c, n, func(item *node, draft *optionDraft) {
		if o, ok := c.option(item, draft); ok {
			options = append(options, o)
		}
	})
	return c.encapsulate(options)
}

// option encodes one entry. It is false when the option cannot or must not be
// sent.
func (c *checker) option(n *node, d *optionDraft) (Option, bool) {
	if !c.optionDefinition(n, d) {
		return Option{}, false
	}
	o := Option{
		Space: d.space.get(SpaceDHCP4), Code: uint8(d.code.value), Name: d.name.value,
		AlwaysSend: d.always.value, NeverSend: d.never.value, At: n.position(c.src),
	}
	if d.def != nil {
		o.Code, o.Name = d.def.Code, d.def.Name
	}
	if o.Space == SpaceDHCP4 && (o.Code == 0 || o.Code == 255) {
		c.fail(n, "code %d is PAD or END and cannot be sent, use 1 to 254", o.Code)
		return o, false
	}
	data, ok := c.optionValue(n, d)
	if !ok {
		return o, false
	}
	o.Data = data
	if d.classes != nil && len(d.classes.items) > 0 {
		return o, false // for some clients only; the table has warned
	}
	if o.Space == spaceDocsis {
		c.warn(n, "options of space %s are not sent by themselves, option 125 takes those of space %s, as in Kea", spaceDocsis, spaceVendorCable)
	}
	if why := serverOptions[o.Code]; why != "" && o.Space == SpaceDHCP4 {
		c.warn(n, "option %d (%s) is ignored: %s", o.Code, o.Name, why)
		return o, false
	}
	return o, true
}

// optionDefinition finds the definition by code, else by name (Kea:
// option_data_parser.cc, createOption). Without one, the code must be given
// and the data is binary.
func (c *checker) optionDefinition(n *node, d *optionDraft) bool {
	space := d.space.get(SpaceDHCP4)
	switch {
	case !d.code.set && !d.name.set:
		c.fail(n, "option data needs a code or a name, add one")
		return false
	case d.space.set && !isName(space):
		c.fail(d.space.at, "%q cannot be an option space, use letters, digits, - and _", space)
		return false
	case space == "dhcp6":
		c.fail(d.space.at, "space dhcp6 is for DHCPv6, use %s or a name of your own", SpaceDHCP4)
		return false
	case d.code.set:
		d.def = c.defs.code(space, uint8(d.code.value))
	default:
		d.def = c.defs.name(space, d.name.value)
	}
	return c.optionNamed(n, d, space)
}

func (c *checker) optionNamed(n *node, d *optionDraft, space string) bool {
	other := d.def != nil && d.name.set && d.name.value != d.def.Name
	if other && c.onlyIANA(d.def) {
		d.def, other = nil, false // Kea has no name for this code and lets the file choose one
	}
	switch {
	case other:
		c.fail(d.name.at, "option %d of space %s is %s, not %s; correct the name or the code", d.def.Code, space, d.def.Name, d.name.value)
	case d.def == nil && !d.code.set:
		c.fail(d.name.at, "there is no option %q in space %s%s", d.name.value, space, didYouMean(d.name.value, c.defs.names(space), "correct it or define it in option-def"))
	case d.def == nil && d.csv.get(true):
		c.fail(n, "there is no definition of option %d in space %s; define it in option-def, or give hexadecimal data with csv-format false", d.code.value, space)
	default:
		return true
	}
	return false
}

// onlyIANA tells a definition that Kea does not have.
func (c *checker) onlyIANA(d *OptionDef) bool {
	return standard().next.byCode[optionKey{d.Space, d.Code}] == d
}

// optionValue encodes the data.
func (c *checker) optionValue(n *node, d *optionDraft) ([]byte, bool) {
	if d.never.value && !d.data.set {
		return nil, true
	}
	at := n
	if d.data.set {
		at = d.data.at
	}
	if d.def != nil && d.csv.get(true) {
		data, err := encodeText(d.def, d.data.value)
		if err != nil {
			c.fail(at, "option %s (%s) cannot hold this: %v", d.def.Name, typeOf(d.def), err)
			return nil, false
		}
		if values := splitData(d.data.value); len(values) > 1 && single(d.def) {
			c.warn(at, "option %s holds one value, only %q is sent, as in Kea; write \\\\, for a comma within a value", d.def.Name, values[0])
		}
		return data, true
	}
	data, err := decodeBinary(d.data.value)
	if err == nil && d.def != nil {
		err = fits(d.def, data)
	}
	if err != nil {
		c.fail(at, "this is not data for the option: %v", err)
		return nil, false
	}
	return data, true
}

func single(d *OptionDef) bool {
	return !d.Array && d.Type != "record" && d.Type != "static-routes" && d.Type != "dnr"
}

func typeOf(d *OptionDef) string {
	if d.Array {
		return "list of " + d.Type
	}
	return d.Type
}
