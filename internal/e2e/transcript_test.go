package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/internal/transcript"
)

// The engine's transcripts, word for word, from the daemon behind a veth pair:
// the third of the three that must say the same (engine, ports, daemon).
func TestTranscriptsAgainstTheDaemon(t *testing.T) {
	for _, f := range transcript.Files(t, "../../slowpath/testdata/*.txt") {
		if !impossible(f) && f.Title() != "use-routing" {
			t.Run(f.Title(), func(t *testing.T) { f.Check(t, newDaemon(t), inTime) })
		}
	}
}

// inTime takes what came for what was written if they differ in a lease time
// only, and by no more than passes for a daemon meanwhile: a cached lease is
// confirmed for what is left of it.
func inTime(got, want string) string {
	if leaseTime.ReplaceAllString(got, "") == leaseTime.ReplaceAllString(want, "") && settled(leaseTime.FindString(got), leaseTime.FindString(want)) {
		return got
	}
	return want
}

var leaseTime = regexp.MustCompile(` lease=\S+`)

// settled: half a minute may have passed, of a short lease a twelfth.
func settled(got, want string) bool {
	g, err := time.ParseDuration(strings.TrimPrefix(got, " lease="))
	if err != nil {
		return false
	}
	w, err := time.ParseDuration(strings.TrimPrefix(want, " lease="))
	return err == nil && g <= w && w-g <= min(w/12, 30*time.Second)
}

// advanceMax is how long a daemon's transcript may wait for time to pass.
const advanceMax = 10 * time.Second

// impossible tells whether a transcript has steps that a daemon cannot do: its
// clock and scopes cannot be set, and hours not be waited for. Engine and ports run
// those. In use-routing the
// engine's blanks are not what the kernel chooses; TestPortRoutesReplies of
// slowpath looks at that.
func impossible(f *transcript.File) bool {
	var passes time.Duration
	for _, b := range f.Blocks {
		for _, s := range b.Steps {
			if slices.Contains([]string{"scope", "unacked", "reclaim"}, s.Verb) {
				return true
			}
			if s.Verb == "advance" {
				d, err := time.ParseDuration(s.Args[0].Value)
				if passes += d; err != nil || passes > advanceMax {
					return true
				}
			}
		}
	}
	return false
}
