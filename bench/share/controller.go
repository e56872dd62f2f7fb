package share

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mounts lists the mounts of this process (proc_pid_mountinfo(5)).
const mounts = "/proc/self/mountinfo"

// controller returns the root of the hierarchy that shares out processors, and whether
// it is of cgroup version 2, where groups below the root get the controller.
func controller() (root string, v2 bool, err error) {
	b, err := os.ReadFile(mounts)
	if err != nil {
		return "", false, err
	}
	unified, legacy := hierarchies(string(b))
	if legacy != "" {
		return legacy, false, nil
	}
	if unified == "" {
		return "", false, errors.New("no cgroup file system is mounted (mount -t cgroup2 none /sys/fs/cgroup)")
	}
	has, err := os.ReadFile(filepath.Join(unified, "cgroup.controllers"))
	if err != nil {
		return "", false, err
	}
	if !slices.Contains(strings.Fields(string(has)), "cpu") {
		return "", false, fmt.Errorf("%s has no cpu controller: it has %q", unified, strings.TrimSpace(string(has)))
	}
	return unified, true, os.WriteFile(filepath.Join(unified, "cgroup.subtree_control"), []byte("+cpu"), 0)
}

// hierarchies returns where cgroup version 2 and version 1's cpu controller are
// mounted, "" for one that is not.
func hierarchies(mountinfo string) (unified, legacy string) {
	for line := range strings.Lines(mountinfo) {
		// 36 35 98:0 /root /mount rw,noatime master:1 - type source options
		about, fs, ok := strings.Cut(line, " - ")
		at, what := strings.Fields(about), strings.Fields(fs)
		if !ok || len(at) < 5 || len(what) < 3 {
			continue
		}
		switch {
		case what[0] == "cgroup2":
			unified = at[4]
		case what[0] == "cgroup" && slices.Contains(strings.Split(what[2], ","), "cpu"):
			legacy = at[4]
		}
	}
	return unified, legacy
}
