package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"needletail/internal/config"
)

func TestPIDFileName(t *testing.T) {
	for config, want := range map[string]string{
		"/etc/kea/kea-dhcp4.conf": "/run/kea/kea-dhcp4.kea-dhcp4.pid",
		"a.conf":                  "/run/kea/a.kea-dhcp4.pid",
		"plain":                   "/run/kea/plain.kea-dhcp4.pid",
		"two.dots.json":           "/run/kea/two.dots.kea-dhcp4.pid",
	} {
		if got := pidFileName("/run/kea", config); got != want {
			t.Errorf("%s: %s, want %s", config, got, want)
		}
	}
}

// A file of a living process is respected, one that is left over is not.
func TestPIDFileOwner(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pid")
	for _, c := range []struct {
		content string
		refused bool
	}{
		{"", false}, {"nonsense\n", false}, {"999999999\n", false}, {"-1\n", false},
		{strconv.Itoa(os.Getpid()) + "\n", false}, // our own number, from before a restart in a container
		{"1\n", true},
	} {
		if err := os.WriteFile(name, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		remove, err := writePIDFile(name)
		if (err != nil) != c.refused {
			t.Errorf("%q: %v", c.content, err)
		}
		if err != nil {
			continue
		}
		if readPID(name) != os.Getpid() {
			t.Errorf("%q: the file holds %d", c.content, readPID(name))
		}
		remove()
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Error("the file is left behind")
		}
	}
}

func TestDirectories(t *testing.T) {
	set := func(vars ...string) func(string) string {
		return func(name string) string {
			for _, v := range vars {
				if key, value, _ := strings.Cut(v, "="); key == name {
					return value
				}
			}
			return ""
		}
	}
	for _, c := range []struct {
		name, lease, socket, log string
		env                      func(string) string
		unconfined               bool
		want, refused            string
	}{
		{"defaults", "", "s", "l", set(), false, "/var/lib/kea/kea-leases4.csv /run/kea/s /var/log/kea/l", ""},
		{"whole paths stay", "/a/b", "/c/d", "/e/f", set(), false, "/a/b /c/d /e/f", ""},
		{"moved", "x.csv", "s", "l", set("KEA_DHCP_DATA_DIR=/d", "KEA_CONTROL_SOCKET_DIR=/s", "KEA_LOG_FILE_DIR=/l"), false, "/d/x.csv /s/s /l/l", ""},
		{"inside", "/d/x.csv", "/s/s", "/l/l", set("KEA_DHCP_DATA_DIR=/d/", "KEA_CONTROL_SOCKET_DIR=/s", "KEA_LOG_FILE_DIR=/l"), false, "/d/x.csv /s/s /l/l", ""},
		{"leases outside", "/a/b", "s", "l", set("KEA_DHCP_DATA_DIR=/d"), false, "", "KEA_DHCP_DATA_DIR"},
		{"out by dots", "/d/../a", "s", "l", set("KEA_DHCP_DATA_DIR=/d"), false, "", "KEA_DHCP_DATA_DIR"},
		{"socket outside", "", "/c/d", "l", set("KEA_CONTROL_SOCKET_DIR=/s"), false, "", "KEA_CONTROL_SOCKET_DIR"},
		{"log outside", "", "s", "/e/f", set("KEA_LOG_FILE_DIR=/l"), false, "", "KEA_LOG_FILE_DIR"},
		{"outside with -X", "/a/b", "/c/d", "/e/f", set("KEA_DHCP_DATA_DIR=/d", "KEA_CONTROL_SOCKET_DIR=/s", "KEA_LOG_FILE_DIR=/l"), true, "/a/b /c/d /e/f", ""},
		{"streams and syslog are no files", "", "s", "syslog:local5", set("KEA_LOG_FILE_DIR=/l"), false, "/var/lib/kea/kea-leases4.csv /run/kea/s syslog:local5", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := &config.Dhcp4{LeaseDatabase: config.LeaseDatabase{Persist: true, Name: c.lease}}
			cfg.Sockets = []config.ControlSocket{{Type: "unix", Name: c.socket}}
			cfg.Loggers = []config.Logger{{Name: "kea-dhcp4", Outputs: []config.LogOutput{{Output: c.log}}}}
			d := DirsFrom(c.env)
			d.Unconfined = c.unconfined
			got, err := d.Place(cfg)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("error %v, want one that names %s", err, c.refused)
				}
				if _, err := d.placeData(c.lease); (err != nil) != (c.refused == "KEA_DHCP_DATA_DIR") {
					t.Errorf("a file of leases: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if lease, err := d.placeData(c.lease); c.lease != "" && (err != nil || lease != got.LeaseDatabase.Name) {
				t.Errorf("a file of leases: %s, %v", lease, err)
			}
			if all := got.LeaseDatabase.Name + " " + got.Sockets[0].Name + " " + got.Loggers[0].Outputs[0].Output; all != c.want {
				t.Errorf("%s, want %s", all, c.want)
			}
			if cfg.LeaseDatabase.Name != c.lease || cfg.Sockets[0].Name != c.socket {
				t.Error("the configuration itself was changed")
			}
		})
	}
}

// Each file outside is a problem of its own, with its place.
func TestOutsideHasItsPlace(t *testing.T) {
	cfg, err := config.Parse("f", []byte(`{ "Dhcp4": {
  "lease-database": { "type": "memfile", "name": "/a/b" },
  "control-socket": { "socket-type": "unix", "socket-name": "/c/d" },
  "loggers": [ { "name": "kea-dhcp4", "output-options": [ { "output": "stdout" }, { "output": "/e/f" } ] } ] } }`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = DirsFrom(func(string) string { return "/elsewhere" }).Place(cfg)
	want := []string{
		"f:2:50: /Dhcp4/lease-database/name: lease-database name /a/b lies outside /elsewhere (KEA_DHCP_DATA_DIR)",
		"f:3:21: /Dhcp4/control-socket: socket-name /c/d lies outside /elsewhere (KEA_CONTROL_SOCKET_DIR)",
		"f:4:83: /Dhcp4/loggers/0/output-options/1: output /e/f lies outside /elsewhere (KEA_LOG_FILE_DIR)",
	}
	lines := strings.Split(fmt.Sprint(err), "\n")
	for i, line := range lines {
		if len(lines) != len(want) || !strings.HasPrefix(line, want[i]) {
			t.Fatalf("got\n%v\nwant\n%s", err, strings.Join(want, "\n"))
		}
	}
}
