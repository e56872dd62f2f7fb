package record

import (
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"needletail/internal/thread"
)

// Environment is the machine a record was made on.
type Environment struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Memory uint64 `json:"memory_bytes"`
	Driver string `json:"driver"` // of the interface the generator used
	XDP    string `json:"xdp"`    // mode on the generator's side: native, generic, none
	// Busy is the load average of the last minute when the run began: how many
	// others wanted the processors.
	Busy float64 `json:"load_average"`
	Nice int     `json:"nice"` // priority of generator and servers alike
}

// loadShift is SI_LOAD_SHIFT of linux/kernel.h.
const loadShift = 16

// Machine describes this machine; Driver and XDP are the caller's to fill.
func Machine() Environment {
	e := Environment{CPU: cpuModel(), Cores: runtime.NumCPU()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		e.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) == nil {
		e.Memory = s.Totalram * uint64(s.Unit)
		e.Busy = float64(s.Loads[0]) / (1 << loadShift)
	}
	if nice, err := thread.Nice(); err == nil {
		e.Nice = nice
	}
	return e
}

func cpuModel() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
