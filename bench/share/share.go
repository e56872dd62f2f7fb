package share

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// period is how often the kernel gives processes their share anew. Within one they may
// have to wait for as long, so it is short.
const period = 10 * time.Millisecond

// A Group is a cgroup of its own. Its processes together get no more than its share.
type Group struct {
	Processors float64 // the share
	dir        string
}

// New makes a group whose processes get so many processors' time, above 0; 0.5 is half
// of one. Its name among the machine's groups is prefix, a dash and this process's id;
// one left by a process that was killed is removed. It needs root and the cpu
// controller.
func New(prefix string, processors float64) (*Group, error) {
	root, v2, err := controller()
	if err != nil {
		return nil, fmt.Errorf("hold processes to %.2g processors: %w", processors, err)
	}
	prefix = filepath.Join(root, prefix+"-")
	sweep(prefix)
	g := &Group{processors, prefix + strconv.Itoa(os.Getpid())}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a cgroup: %w", err)
	}
	if err := g.limit(v2); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// sweep removes the groups of processes that are no more. What cannot be removed is in
// use and harms nobody.
func sweep(prefix string) {
	left, _ := filepath.Glob(prefix + "*")
	for _, dir := range left {
		pid, err := strconv.Atoi(strings.TrimPrefix(dir, prefix))
		if err == nil && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			_ = unix.Rmdir(dir)
		}
	}
}

func (g *Group) limit(v2 bool) error {
	every := period.Microseconds()
	quota := int64(g.Processors * float64(every))
	if v2 {
		return g.set("cpu.max", fmt.Sprintf("%d %d", quota, every))
	}
	return errors.Join(g.set("cpu.cfs_period_us", strconv.FormatInt(every, 10)), g.set("cpu.cfs_quota_us", strconv.FormatInt(quota, 10)))
}

func (g *Group) set(file, value string) error {
	return os.WriteFile(filepath.Join(g.dir, file), []byte(value), 0)
}

// Add moves a process with all its threads into the group. Its children follow.
func (g *Group) Add(pid int) error {
	if err := g.set("cgroup.procs", strconv.Itoa(pid)); err != nil {
		return fmt.Errorf("hold process %d to its share: %w", pid, err)
	}
	return nil
}

// How long Close tries: a process that has ended leaves its group a moment later.
const (
	closeTries = 100
	closeEvery = 20 * time.Millisecond
)

// Close removes the group. Its processes must have ended.
func (g *Group) Close() (err error) {
	for range closeTries {
		if err = unix.Rmdir(g.dir); !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(closeEvery)
	}
	if err != nil {
		return fmt.Errorf("remove cgroup %s: %w", g.dir, err)
	}
	return nil
}
