package nettest

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"sync"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// owned is the name of a namespace of a lab, with the process that made it.
var owned = regexp.MustCompile(`^nt(\d+)-\d+-`)

// sweep removes what processes left behind that were killed before they could
// close their labs. Once a process is enough.
var sweep = sync.OnceFunc(sweepNow)

func sweepNow() {
	entries, err := os.ReadDir("/run/netns")
	if err != nil {
		return // there is none yet
	}
	for _, e := range entries {
		m := owned.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		pid, err := strconv.Atoi(m[1])
		if err == nil && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			_ = netns.DeleteNamed(e.Name()) // another process may have been quicker
		}
	}
}
