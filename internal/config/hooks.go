package config

import (
	"path"
	"slices"
	"strings"
)

type hookDraft struct {
	library    opt[string]
	parameters *node
}

var hookTable = table[hookDraft]{"hooks-libraries[]", slices.Concat(
	[]key[hookDraft]{
		word("library", func(h *hookDraft) *opt[string] { return &h.library }),
		part("parameters", object, func(h *hookDraft) **node { return &h.parameters }),
	}, contextKeys[hookDraft]())}

// Hook libraries whose work is built in. They are known by base name and need
// not exist.
const haLibrary = "libdhcp_ha.so"

var builtInLibraries = []string{haLibrary, "libdhcp_lease_cmds.so", "libdhcp_stat_cmds.so"}

// hooks reads hooks-libraries. coreThreads is multi-threading of Dhcp4, on
// which that of the HA library depends.
func (c *checker) hooks(n *node, coreThreads bool) []*Relationship {
	if n == nil {
		return nil
	}
	var relationships []*Relationship
	var ha *node
	for _, item := range n.items {
		var h hookDraft
		hookTable.load(c, item, &h)
		if item.kind == object && h.library.value == "" {
			c.fail(item, `there is no library, add one like "library": "libdhcp_ha.so"`)
		}
		name := path.Base(h.library.value)
		switch {
		case h.library.value == "":
		case name == haLibrary && ha != nil:
			c.fail(item, "%s is given already in line %d, remove one", name, ha.position(c.src).Line)
		case name == haLibrary:
			ha = item
			relationships = c.highAvailability(item, h.parameters, coreThreads)
		case !slices.Contains(builtInLibraries, name):
			c.warn(item, "hook library %s is ignored: needletail has %s built in and no others yet", name, strings.Join(builtInLibraries, ", "))
		}
	}
	return relationships
}
