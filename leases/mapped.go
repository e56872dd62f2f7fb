package leases

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mapsFile lists the memory of this process.
const mapsFile = "/proc/self/maps"

// unmapTables lets the kernel take back the pages of Badger's tables that reading
// has mapped. They are the page cache's and stay there, but would count as ours
// until the kernel is short of memory: a million leases' are 80 MB. Whoever reads a
// table again gets them back.
func unmapTables() error {
	f, err := os.Open(mapsFile)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var from, to uintptr
		if !strings.HasSuffix(lines.Text(), ".sst") {
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x", &from, &to); err != nil {
			return fmt.Errorf("%s: %q: %w", mapsFile, lines.Text(), err)
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("madvise: %w", errno)
		}
	}
	return lines.Err()
}
