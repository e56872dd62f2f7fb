package twin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/internal/transcript"
	"needletail/slowpath"
)

// TestTranscriptsOverXDP runs the engine's transcripts over a wire, the program
// and AF_XDP: the same words must come out.
func TestTranscriptsOverXDP(t *testing.T) {
	names, err := filepath.Glob("../../slowpath/testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal("no transcripts: ", err)
	}
	var byRing uint64
	for i, name := range names {
		if testing.Short() && i%8 != 0 {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) { byRing += runOverXDP(t, name) })
	}
	t.Logf("AF_XDP carried %d queries", byRing)
	if byRing == 0 && !t.Failed() {
		t.Error("AF_XDP carried nothing")
	}
}

func runOverXDP(t *testing.T, name string) uint64 {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := transcript.Parse(name, data)
	if err != nil {
		t.Fatal(err)
	}
	s := newOverXDP(t)
	got, err := f.Run(s)
	if errors.Is(err, transcript.ErrCannot) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range f.Blocks {
		if want := chosenByKernel(got[i], b.Want); !slices.Equal(got[i], want) {
			t.Errorf("block %d, from line %d:\ngot\n\t%s\nwant\n\t%s", i+1, b.Steps[0].Line,
				strings.Join(got[i], "\n\t"), strings.Join(want, "\n\t"))
		}
	}
	return s.byRing + s.path.Worker(0).Stats().Received
}

// routed is the relay's MAC address and ours, which the kernel fills in.
var routed = regexp.MustCompile(`mac=02:00:00:00:00:fe src=192\.0\.2\.1`)

// chosenByKernel fills in what the engine leaves to the kernel: the neighbour's
// MAC address and the source address of a reply that is routed.
func chosenByKernel(got, want []string) []string {
	out := slices.Clone(want)
	for i, l := range out {
		if i < len(got) {
			out[i] = strings.Replace(l, "mac=00:00:00:00:00:00 src=0.0.0.0", routed.FindString(got[i]), 1)
		}
	}
	return out
}

// Exchange sends the query and waits until the program or the engine has
// decided; their counters tell, so silence needs no waiting.
func (s *overXDP) Exchange(q transcript.Query) (transcript.Reply, error) {
	before, drops := s.engine.Stats(), s.drops()
	if err := s.wire.Send(q); err != nil {
		return transcript.Reply{}, err
	}
	for range 3000 {
		for why, n := range s.drops() {
			if n != drops[why] {
				return transcript.Reply{Silence: why}, nil
			}
		}
		if why, ok := since(&before, s.engine.Stats()); ok && why != slowpath.Answered {
			return transcript.Reply{Silence: why.String()}, nil
		} else if ok {
			r, err := s.wire.Hear(q, 3*time.Second)
			if err != nil {
				err = fmt.Errorf("the engine replied: %w; %+v", err, s.path.Worker(0).Stats())
			}
			return r, err
		}
		time.Sleep(time.Millisecond)
	}
	return transcript.Reply{}, fmt.Errorf("the query reached nobody: %v; %+v", s.path.Verdicts(), s.kernel.Stats())
}

// drops counts the program's drops, by what user space calls them.
func (s *overXDP) drops() map[string]uint64 {
	sum := make(map[string]uint64)
	for _, v := range s.path.Verdicts() {
		switch v.Name {
		case "out-of-scope", "unacked":
			sum[slowpath.SilenceNotForUs.String()] += v.Frames
		case "disabled":
			sum[slowpath.SilenceServiceDisabled.String()] += v.Frames
		}
	}
	return sum
}

func since(before *slowpath.Stats, now slowpath.Stats) (slowpath.Silence, bool) {
	for i := range now.Silence {
		if now.Silence[i] != before.Silence[i] {
			return slowpath.Silence(i), true
		}
	}
	return 0, false
}
