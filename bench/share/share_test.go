package share

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"needletail/bench/record"
)

func TestHierarchies(t *testing.T) {
	const v2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
	const v1 = "31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	const cpuset = "33 30 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
	const other = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\nodd - line\n"
	for _, c := range []struct{ name, in, unified, legacy string }{
		{"version 2", other + v2, "/sys/fs/cgroup", ""},
		{"version 1", other + cpuset + v1, "", "/sys/fs/cgroup/cpu,cpuacct"},
		{"both", v1 + v2, "/sys/fs/cgroup", "/sys/fs/cgroup/cpu,cpuacct"},
		{"none", other + cpuset, "", ""},
	} {
		if unified, legacy := hierarchies(c.in); unified != c.unified || legacy != c.legacy {
			t.Errorf("%s: %q, %q, want %q, %q", c.name, unified, legacy, c.unified, c.legacy)
		}
	}
}

// A process that would use a whole processor gets a tenth of one, the other as much as
// it likes; how fast they are says nothing, so only that the kernel held it is asked.
func TestShare(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes a cgroup")
	}
	root, _, err := controller()
	if err != nil {
		t.Fatal(err)
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(root, fmt.Sprintf("needletail-test-%d", gone.Process.Pid))
	running := filepath.Join(root, fmt.Sprintf("needletail-test-%d", os.Getppid()))
	for _, dir := range []string{killed, running} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(dir)
	}
	g, err := New("needletail-test", 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(killed); !os.IsNotExist(err) {
		t.Errorf("the group of a process that is no more is left: %v", err)
	}
	if _, err := os.Stat(running); err != nil {
		t.Errorf("the group of another process: %v", err)
	}
	busy := exec.Command("sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		busy.Process.Kill()
		busy.Wait()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(g.dir); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", g.dir, err)
		}
	}()
	if err := g.Add(busy.Process.Pid); err != nil {
		t.Fatal(err)
	}
	before, err := record.ProcessCPU(busy.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	time.Sleep(time.Second)
	after, err := record.ProcessCPU(busy.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if used, most := after-before, 0.2*time.Since(begin).Seconds(); used > most {
		t.Errorf("a process held to a tenth of a processor used %.2f s, at most %.2f s", used, most)
	}
	if err := g.Add(1 << 30); err == nil {
		t.Error("a process that is not there was added")
	}
}
