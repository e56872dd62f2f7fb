package config

import (
	"errors"
	"fmt"
	"os"
)

// Load reads, checks and resolves the configuration in file. The error, if
// any, is a Problems with everything that is wrong, not only the first thing,
// or says that the file cannot be read.
func Load(file string) (*Dhcp4, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(file, data)
}

// Parse is Load with the bytes of the file given; name is what positions say.
// Included files are read from disk.
func Parse(name string, data []byte) (*Dhcp4, error) {
	c := &checker{said: make(map[Problem]bool), defs: newDefinitions(standard())}
	return c.parse(name, data)
}

func (c *checker) parse(name string, data []byte) (*Dhcp4, error) {
	var err error
	if c.src, err = newSource(name, data); err != nil {
		return nil, asProblems(err)
	}
	c.warnings = c.src.warnings
	root, err := c.parseTree()
	if err != nil {
		return nil, asProblems(err)
	}
	d := c.document(root)
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	d.File, d.Warnings, d.Raw = name, c.warnings, root.render()
	return d, nil
}

// document reads the outermost map.
func (c *checker) document(root *node) *Dhcp4 {
	var d rootDraft
	rootTable.load(c, root, &d)
	if d.dhcp4 == nil {
		if root.kind == object && root.get("Dhcp4") == nil {
			c.fail(root, `there is no Dhcp4, write { "Dhcp4": { ... } }`)
		}
		return nil
	}
	return c.dhcp4(d.dhcp4)
}

func asProblems(err error) error {
	var s *syntaxError
	if errors.As(err, &s) {
		return Problems{{s.at, s.text}}
	}
	return err
}
