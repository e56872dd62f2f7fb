package config

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// databaseDraft is lease-database as written.
type databaseDraft struct {
	kind, name opt[string]
	persist    opt[bool]
	lfc        opt[int64]
}

var databaseTable = table[databaseDraft]{"lease-database", slices.Concat(
	[]key[databaseDraft]{
		choice("type", []string{"memfile", "mysql", "postgresql"}, func(d *databaseDraft) *opt[string] { return &d.kind }),
		word("name", func(d *databaseDraft) *opt[string] { return &d.name }),
		toggle("persist", func(d *databaseDraft) *opt[bool] { return &d.persist }),
		number("lfc-interval", 0, math.MaxUint32, func(d *databaseDraft) *opt[int64] { return &d.lfc }).with(stateAccepted), // the store needs no clean-up
	},
	accepted[databaseDraft](integer, "max-row-errors"),
	serverKeys[databaseDraft]())}

// serverKeys are the rows of a database that runs elsewhere. A memfile has no
// use for them; no other lease database is taken.
func serverKeys[T any]() []key[T] {
	return slices.Concat(
		accepted[T](text, "user", "password", "password-file", "host", "on-fail", "trust-anchor", "cert-file", "key-file", "cipher-list", "ssl-mode"),
		accepted[T](integer, "port", "connect-timeout", "read-timeout", "write-timeout", "tcp-user-timeout", "max-reconnect-tries", "reconnect-wait-time"),
		accepted[T](boolean, "readonly", "retry-on-startup"))
}

// lfcDefault is Kea's lfc-interval in seconds; leaseFile the name of its
// memfile (Kea: memfile_lease_mgr.cc, appendSuffix and getDefaultLeaseFilePath).
const (
	lfcDefault = 3600
	leaseFile  = "kea-leases4.csv"
	dataDir    = "/var/lib/kea"
)

func (c *checker) leaseDatabase(n *node) LeaseDatabase {
	var d databaseDraft
	if n != nil {
		databaseTable.load(c, n, &d)
	}
	switch {
	case n != nil && n.get("type") == nil:
		c.fail(n, `there is no type, add "type": "memfile"`)
	case d.kind.set && d.kind.value != "memfile":
		c.fail(d.kind.at, `leases in %s are not supported, use "memfile": needletail keeps its own store beside that file`, d.kind.value)
	}
	out := LeaseDatabase{
		Persist: d.persist.get(true),
		Name:    leasePath(d.name.value),
		LFC:     inSeconds(d.lfc.get(lfcDefault)),
	}
	if d.name.at != nil {
		out.At = d.name.at.position(c.src)
	}
	return out
}

// leasePath puts a bare name into Kea's data directory, which the environment
// may move (Kea ARM, "Environment variables").
func leasePath(name string) string {
	if name == "" {
		name = leaseFile
	}
	if strings.Contains(name, "/") {
		return name
	}
	dir := os.Getenv("KEA_DHCP_DATA_DIR")
	if dir == "" {
		dir = dataDir
	}
	return filepath.Join(dir, name)
}
