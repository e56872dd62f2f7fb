package server

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An export makes no store, an import does; neither takes a configuration that
// keeps no leases for one that does.
func TestLeasesOfAStoppedServer(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	o := Options{File: filepath.Join(dir, "conf"), Dirs: DirsFrom(func(string) string { return "" }), Stdout: &out, Stderr: io.Discard}
	configure := func(persist bool) {
		text := fmt.Sprintf(`{ "Dhcp4": { "lease-database": { "type": "memfile", "persist": %v, "name": "%s/leases" },
			"subnet4": [ { "id": 1, "subnet": "192.0.2.0/24" } ] } }`, persist, dir)
		if err := os.WriteFile(o.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const csv = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id\n192.0.2.1,02:00:00:00:00:01,,600,1795289436,1\n"
	target := filepath.Join(dir, "csv")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	configure(false)
	if err := ExportLeases(t.Context(), o, target); err == nil || !strings.Contains(err.Error(), "persist") {
		t.Errorf("export without persistence: %v", err)
	}
	if _, _, err := ImportLeases(t.Context(), o, strings.NewReader(csv)); err == nil || !strings.Contains(err.Error(), "persist") {
		t.Errorf("import without persistence: %v", err)
	}
	configure(true)
	if err := ExportLeases(t.Context(), o, target); err == nil {
		t.Error("a store that is not there was exported")
	}
	if text, _ := os.ReadFile(target); string(text) != "old" {
		t.Errorf("exports that failed wrote %q", text)
	}
	if _, err := os.Stat(storeDir(dir + "/leases")); err == nil {
		t.Error("an export made a store")
	}
	if n, problems, err := ImportLeases(t.Context(), o, strings.NewReader(csv)); n != 1 || len(problems) != 0 || err != nil {
		t.Errorf("import: %d, %v, %v", n, problems, err)
	}
	if err := ExportLeases(t.Context(), o, ""); err != nil || !strings.Contains(out.String(), "192.0.2.1,02:00:00:00:00:01,") {
		t.Errorf("export: %v\n%s", err, &out)
	}
}

// Root is told whose the store is, or would be.
func TestStoreOwner(t *testing.T) {
	dir := t.TempDir()
	store := filepath.Join(dir, "leases.needletail")
	if os.Geteuid() == 0 {
		if err := checkOwner(store, 0); err != nil {
			t.Errorf("root's own: %v", err)
		}
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	if err := checkOwner(store, 0); err == nil || !strings.Contains(err.Error(), "runuser -u ") {
		t.Errorf("root in another's directory: %v", err)
	}
	if err := checkOwner(store, 65534); err != nil {
		t.Errorf("another user: %v", err)
	}
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := checkOwner(store, 0); (err == nil) != (os.Geteuid() == 0) {
		t.Errorf("the store itself counts before its directory: %v", err)
	}
}
