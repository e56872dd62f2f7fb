package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the engine cannot do is found by a check as by a start, and is the
// configuration's fault.
func TestCheckCompiles(t *testing.T) {
	var pools []string
	for i := range 65 {
		pools = append(pools, fmt.Sprintf(`{ "pool": "192.0.2.%d - 192.0.2.%d", "client-classes": [ "VENDOR_CLASS_%d" ] }`, 2*i, 2*i+1, i))
	}
	for what, subnet := range map[string]string{
		"more than 63 different client classes": `"192.0.2.0/24", "pools": [ ` + strings.Join(pools, ", ") + ` ]`,
		"at most 2^31":                          `"0.0.0.0/0", "pools": [ { "pool": "0.0.0.0/0" } ]`,
	} {
		file := filepath.Join(t.TempDir(), "conf")
		text := fmt.Sprintf(`{ "Dhcp4": { "lease-database": { "type": "memfile", "persist": false }, "subnet4": [ { "id": 1, "subnet": %s } ] } }`, subnet)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := Options{File: file, Dirs: DirsFrom(func(string) string { return "" }), Stdout: io.Discard, Stderr: io.Discard}
		if _, err := Check(o); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("check: %v, want %q", err, what)
		}
		var refused *RefusedError
		if err := Run(context.Background(), o); !errors.As(err, &refused) || !strings.Contains(err.Error(), what) {
			t.Errorf("start: %v, want a refusal with %q", err, what)
		}
	}
}
