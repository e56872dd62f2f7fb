package wire

import (
	"regexp"
	"strings"
)

// routed is the relay's MAC address and the server's address in transcripts.
var routed = regexp.MustCompile(`mac=02:00:00:00:00:fe src=192\.0\.2\.1`)

// ChosenByKernel fills in what the engine leaves to the kernel: the neighbour's
// MAC address and the source address of a reply that is routed.
func ChosenByKernel(got, want string) string {
	return strings.Replace(want, "mac=00:00:00:00:00:00 src=0.0.0.0", routed.FindString(got), 1)
}
