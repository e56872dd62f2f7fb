package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// pidFileName is where Kea puts it: DIR/CONFIG.kea-dhcp4.pid, CONFIG being the
// configuration's name without its last extension (Kea: process/daemon.cc).
func pidFileName(dir, config string) string {
	base := filepath.Base(config)
	return filepath.Join(dir, strings.TrimSuffix(base, filepath.Ext(base))+".kea-dhcp4.pid")
}

// writePIDFile claims the file. One that names a living process belongs to
// another server with the same configuration; any other is left over.
func writePIDFile(name string) (remove func(), err error) {
	if pid := readPID(name); pid > 0 && pid != os.Getpid() && alive(pid) {
		return nil, fmt.Errorf("already running with process id %d (%s)", pid, name)
	}
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("write pid file (directory from KEA_PIDFILE_DIR): %w", err)
	}
	if err := os.Rename(tmp, name); err != nil {
		os.Remove(tmp)
		return nil, fmt.Errorf("write pid file: %w", err)
	}
	return func() { os.Remove(name) }, nil
}

func readPID(name string) int {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return pid
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
