// Package config turns a file in the grammar of Kea's Dhcp4 into checked,
// typed values. It owns the text (comments, includes, positions), the grammar
// (tables of keys, see table.go and docs/configuration.md), inheritance between
// levels, and the encoding of option data. It refuses to guess: an unknown key,
// a wrong type or a contradiction is a Problem with its place, and all of them
// are reported at once.
//
// A key that Kea knows and this server does not honour yet is a warning. The
// package opens the files a configuration names (includes, certificates,
// password files) and nothing else: no interface, socket or lease file.
//
// The way of a file: source.go splices includes and blanks comments, node.go
// makes the tree, the tables read it into drafts, and drafts become Networks,
// Subnets and Relationships with everything inherited filled in.
package config
