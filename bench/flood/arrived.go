package flood

import (
	"fmt"
	"os"
	"strings"
)

// Received returns the packets an interface of the calling thread's network
// namespace has taken in. It reads /proc/thread-self, so that threads in
// different namespaces each see their own.
func Received(ifname string) (uint64, error) {
	b, err := os.ReadFile("/proc/thread-self/net/dev")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		name, counts, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || name != ifname {
			continue
		}
		var bytes, packets uint64
		if _, err := fmt.Sscan(counts, &bytes, &packets); err != nil {
			return 0, fmt.Errorf("counters of %s: %w", ifname, err)
		}
		return packets, nil
	}
	return 0, fmt.Errorf("counters of %s: no such interface", ifname)
}
