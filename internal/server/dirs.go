package server

import (
	"fmt"
	"path/filepath"
	"slices"
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
// which ones lie outside.
func (d Dirs) Place(cfg *config.Dhcp4) (*config.Dhcp4, error) {
	placed := *cfg
	var outside config.Problems
	put := func(in Dir, name *string, key string, at config.Position) {
		var err error
		if *name, err = d.place(in, *name, key); err != nil {
			outside = append(outside, config.Problem{At: at, Text: err.Error()})
		}
	}
	if db := &placed.LeaseDatabase; db.Persist {
		if db.Name == "" {
			db.Name = "kea-leases4.csv"
		}
		put(d.Data, &db.Name, "lease-database name", db.At)
	}
	placed.Sockets = slices.Clone(cfg.Sockets)
	for i := range placed.Sockets {
		if s := &placed.Sockets[i]; s.Type == "unix" {
			put(d.Socket, &s.Name, "socket-name", s.At)
		}
	}
	placed.Loggers = slices.Clone(cfg.Loggers)
	for i := range placed.Loggers {
		l := &placed.Loggers[i]
		l.Outputs = slices.Clone(l.Outputs)
		for k := range l.Outputs {
			if o := &l.Outputs[k]; isFile(o.Output) {
				put(d.Log, &o.Output, "output", o.At)
			}
		}
	}
	if len(outside) > 0 {
		return nil, outside
	}
	return &placed, nil
}

// isFile tells a log file from the other kinds of output.
func isFile(output string) bool {
	kind, _, _ := strings.Cut(output, ":")
	return kind != "stdout" && kind != "stderr" && kind != "syslog"
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
