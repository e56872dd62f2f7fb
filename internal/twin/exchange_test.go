package twin

import (
	"fmt"
	"testing"
	"time"

	"needletail/internal/transcript"
	"needletail/internal/transcript/wire"
	"needletail/slowpath"
)

// TestTranscriptsOverXDP runs the engine's transcripts over a wire, the program
// and AF_XDP: the same words must come out.
func TestTranscriptsOverXDP(t *testing.T) {
	var byRing uint64
	for i, f := range transcript.Files(t, "../../slowpath/testdata/*.txt") {
		if testing.Short() && i%8 != 0 {
			continue
		}
		t.Run(f.Title(), func(t *testing.T) {
			s := newOverXDP(t)
			f.Check(t, s, wire.ChosenByKernel)
			byRing += s.byRing + s.path.Worker(0).Stats().Received
		})
	}
	t.Logf("AF_XDP carried %d queries", byRing)
	if byRing == 0 && !t.Failed() {
		t.Error("AF_XDP carried nothing")
	}
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
