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

// inTime takes what came for what was written if their lease times are alike.
func inTime(got, want string) string {
	if settled(got) == settled(want) {
		return got
	}
	return want
}

var leaseTime = regexp.MustCompile(`lease=(\S+)`)

// settled rounds lease times up to whole half minutes: for a daemon time
// passes, and a cached lease is confirmed for what is left of it.
func settled(line string) string {
	return leaseTime.ReplaceAllStringFunc(line, func(text string) string {
		d, err := time.ParseDuration(strings.TrimPrefix(text, "lease="))
		if err != nil {
			return text
		}
		return "lease=" + (d + 30*time.Second - 1).Truncate(30*time.Second).String()
	})
}

// impossible tells whether a transcript has steps that a daemon cannot do: its
// clock and scopes cannot be set. Engine and ports run those. In use-routing the
// engine's blanks are not what the kernel chooses; TestPortRoutesReplies of
// slowpath looks at that.
func impossible(f *transcript.File) bool {
	for _, b := range f.Blocks {
		for _, s := range b.Steps {
			if slices.Contains([]string{"advance", "scope", "unacked", "reclaim"}, s.Verb) {
				return true
			}
		}
	}
	return false
}
