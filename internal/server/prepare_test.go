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
	var relationships []string
	for i := range 65 {
		relationships = append(relationships, fmt.Sprintf(`{ "this-server-name": "a%d", "mode": "hot-standby", "peers": [
 { "name": "a%d", "url": "http://192.0.2.1:8000/", "role": "primary" }, { "name": "b%d", "url": "http://192.0.2.2:8000/", "role": "standby" } ] }`, i, i, i))
	}
	for what, with := range map[string]string{
		"1:86: /Dhcp4/subnet4/0: the pools of one network have":                                                          `"subnet4": [ { "id": 1, "subnet": "0.0.0.0/0", "pools": [ { "pool": "0.0.0.0/0" } ] } ]`,
		"more than 63 different client classes":                                                                          `"subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "pools": [ ` + strings.Join(pools, ", ") + ` ] } ]`,
		":129:1: /Dhcp4/hooks-libraries/0/parameters/high-availability/64: 65 HA relationships: at most 64 are possible": `"hooks-libraries": [ { "library": "libdhcp_ha.so", "parameters": { "high-availability": [ ` + strings.Join(relationships, ",\n") + ` ] } } ]`,
		":1:129: /Dhcp4/loggers/0/output-options/0: log to syslog:bells: no such facility":                               `"loggers": [ { "name": "kea-dhcp4", "output-options": [ { "output": "syslog:bells" } ] } ]`,
	} {
		file := filepath.Join(t.TempDir(), "conf")
		text := fmt.Sprintf(`{ "Dhcp4": { "lease-database": { "type": "memfile", "persist": false }, %s } }`, with)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := Options{File: file, Dirs: DirsFrom(func(string) string { return "" }), Stdout: io.Discard, Stderr: io.Discard}
		if _, err := Check(o); err == nil || !strings.Contains(err.Error(), what) || !strings.HasPrefix(err.Error(), file+":") {
			t.Errorf("check: %v, want %q", err, what)
		}
		var refused *RefusedError
		if err := Run(context.Background(), o); !errors.As(err, &refused) || !strings.Contains(err.Error(), what) {
			t.Errorf("start: %v, want a refusal with %q", err, what)
		}
	}
}
