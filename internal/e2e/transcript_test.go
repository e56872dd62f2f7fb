package e2e

import (
	"os"
	"path/filepath"
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
	files, err := filepath.Glob("../../slowpath/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		must(t, err)
		f, err := transcript.Parse(name, data)
		must(t, err)
		if impossible(f) || strings.HasSuffix(name, "use-routing.txt") {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			got, err := f.Run(newDaemon(t))
			must(t, err)
			for i, b := range f.Blocks {
				if !slices.EqualFunc(got[i], b.Want, func(a, b string) bool { return settled(a) == settled(b) }) {
					t.Errorf("block %d, from line %d:\ngot\n\t%s\nwant\n\t%s", i+1, b.Steps[0].Line,
						strings.Join(got[i], "\n\t"), strings.Join(b.Want, "\n\t"))
				}
			}
		})
	}
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
