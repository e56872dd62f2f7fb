package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// outcome runs one command line with the variables of an environment.
func outcome(t *testing.T, vars map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	e := env{"needletail", strings.NewReader("address\n"), &out, &errs, func(name string) string { return vars[name] }}
	code = run(t.Context(), e, args)
	return code, out.String(), errs.String()
}

// Whatever opens a server's files has -X to open them outside their directories.
func TestUnconfined(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conf")
	text := fmt.Sprintf(`{ "Dhcp4": { "lease-database": { "type": "memfile", "name": "%s/leases" }, "control-socket": { "socket-type": "unix", "socket-name": "/nonexistent/socket" } } }`, dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{"KEA_DHCP_DATA_DIR": "/nonexistent"}
	for _, args := range [][]string{{"check", file}, {"serve", "-c", file}, {"lease", "import", "-c", file, "-"}, {"lease", "export", "-c", file}} {
		const refusal = "KEA_DHCP_DATA_DIR): move it there, or give -X"
		if code, out, errs := outcome(t, vars, args...); code != 1 || !strings.Contains(out+errs, refusal) {
			t.Errorf("%v: %d %s%s", args, code, out, errs)
		}
		// serve still fails: there is no place for its control socket.
		if _, out, errs := outcome(t, vars, append(args, "-X")...); strings.Contains(out+errs, "KEA_DHCP_DATA_DIR") || strings.Contains(errs, "unknown") {
			t.Errorf("%v -X: %s%s", args, out, errs)
		}
	}
}

func TestVersion(t *testing.T) {
	if code, out, _ := outcome(t, nil, "version"); code != 0 || out != "needletail "+version+"\n" {
		t.Errorf("%d %q", code, out)
	}
}

// What is told before a configuration says where goes where the environment says.
func TestLogDestination(t *testing.T) {
	dir := t.TempDir()
	file, log := filepath.Join(dir, "conf"), filepath.Join(dir, "log")
	if err := os.WriteFile(file, []byte(`{ "Dhcp4": { "nonsense": 1 } }`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := outcome(t, map[string]string{"KEA_LOGGER_DESTINATION": log}, "serve", "-c", file)
	if text, err := os.ReadFile(log); code != 1 || out != "" || !strings.HasPrefix(errs, "Failed to apply configuration") || !strings.Contains(string(text), "DHCP4_STARTING") {
		t.Errorf("%d, standard output %q, error %q, log %q, %v", code, out, errs, text, err)
	}
}

// Kea's options reach what they stand for, together or apart.
func TestKeaOptions(t *testing.T) {
	for line, want := range map[string]keaArgs{
		"-dXcFILE -p 1067 -P1068": {file: "FILE", debug: true, unconfined: true, serverPort: 1067, clientPort: 1068},
		"-T FILE -d":              {file: "FILE", check: true, debug: true},
		"-vVW":                    {version: true, extended: true, report: true},
	} {
		if got, err := parseKea(strings.Fields(line)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", line, got, err)
		}
	}
}
