package server

import (
	"fmt"
	"path/filepath"
	"strings"

	"needletail/internal/config"
)

// Dirs are the directories that Kea takes from its environment. One that is
// set confines the files of its kind, as in Kea 3.0, unless Unconfined; one
// that is not set only serves as the default place (as in Kea 2.2). There is no
// lock of the log (KEA_LOCKFILE_DIR): a line is one write.
type Dirs struct {
	PID, Data, Socket, Log Dir
	Unconfined             bool // option -X
}

// Dir is one directory.
type Dir struct {
	Path string
	Set  bool   // by the environment
	Var  string // the variable
}

// DirsFrom reads the variables.
func DirsFrom(getenv func(string) string) Dirs {
	dir := func(name, otherwise string) Dir {
		if v := getenv(name); v != "" {
			return Dir{v, true, name}
		}
		return Dir{otherwise, false, name}
	}
	return Dirs{
		PID:    dir("KEA_PIDFILE_DIR", "/run/kea"),
		Data:   dir("KEA_DHCP_DATA_DIR", "/var/lib/kea"),
		Socket: dir("KEA_CONTROL_SOCKET_DIR", "/run/kea"),
		Log:    dir("KEA_LOG_FILE_DIR", "/var/log/kea"),
	}
}

// Place returns the configuration with every file in its directory, or says
// which one lies outside.
func (d Dirs) Place(cfg *config.Dhcp4) (*config.Dhcp4, error) {
	placed := *cfg
	var err error
	if cfg.LeaseDatabase.Persist {
		name := cfg.LeaseDatabase.Name
		if name == "" {
			name = "kea-leases4.csv"
		}
		if placed.LeaseDatabase.Name, err = d.place(d.Data, name, "lease-database name"); err != nil {
			return nil, err
		}
	}
	placed.Sockets = append([]config.ControlSocket(nil), cfg.Sockets...)
	for i := range placed.Sockets {
		if s := &placed.Sockets[i]; s.Type == "unix" {
			if s.Name, err = d.place(d.Socket, s.Name, "socket-name"); err != nil {
				return nil, fmt.Errorf("%v: %w", s.At, err)
			}
		}
	}
	placed.Loggers = append([]config.Logger(nil), cfg.Loggers...)
	for i := range placed.Loggers {
		if placed.Loggers[i].Outputs, err = d.placeLogs(placed.Loggers[i].Outputs); err != nil {
			return nil, err
		}
	}
	return &placed, nil
}

func (d Dirs) placeLogs(outputs []config.LogOutput) ([]config.LogOutput, error) {
	placed := append([]config.LogOutput(nil), outputs...)
	for i := range placed {
		o := &placed[i]
		kind, _, _ := strings.Cut(o.Output, ":")
		if kind == "stdout" || kind == "stderr" || kind == "syslog" {
			continue
		}
		var err error
		if o.Output, err = d.place(d.Log, o.Output, "output"); err != nil {
			return nil, err
		}
	}
	return placed, nil
}

// placeData places a file of leases that a command names.
func (d Dirs) placeData(name string) (string, error) { return d.place(d.Data, name, "filename") }

// place puts a bare file name into its directory and confines a path to it.
func (d Dirs) place(in Dir, name, key string) (string, error) {
	if !strings.Contains(name, "/") {
		return filepath.Join(in.Path, name), nil
	}
	if in.Set && !d.Unconfined && filepath.Dir(filepath.Clean(name)) != filepath.Clean(in.Path) {
		return "", fmt.Errorf("%s %s lies outside %s (%s): move it there, or give -X", key, name, in.Path, in.Var)
	}
	return name, nil
}
