package slowpath

import (
	"testing"
	"time"
)

// A pump rests between turns only while queries keep coming: not in the exchanges
// of one client after another, not after a pause, not longer than turnMax.
func TestPaceRestsUnderLoadOnly(t *testing.T) {
	type turn struct {
		after time.Duration // since the turn before
		n     int           // queries
	}
	repeat := func(times int, turns ...turn) (all []turn) {
		for range times {
			all = append(all, turns...)
		}
		return all
	}
	load := repeat(100, turn{turnMax, fullLoad / 500})
	for _, c := range []struct {
		name  string
		turns []turn
		spent time.Duration // in the last turn
		want  time.Duration
	}{
		{"first query", []turn{{time.Hour, 1}}, 0, 0},
		{"lone clients", repeat(20, turn{10 * time.Millisecond, 1}, turn{turnMax / 5, 1}), 0, 0},
		{"load begins", load[:busyTurns-1], 0, 0},
		{"load", load, turnMax / 4, turnMax * 3 / 4},
		{"a turn longer than that", load, turnMax * 2, -turnMax},
		{"half of it", repeat(100, turn{turnMax, fullLoad / 2000}), 0, turnMax * 13 / 100},
		{"load with commits between", repeat(100, turn{turnMax / 2, fullLoad / 500}, turn{turnMax / 2, 0}), 0, turnMax / 2},
		{"after a pause", append(load, turn{busyGap + 1, 1}), 0, 0},
	} {
		p := newPace(new(Traffic))
		now := time.Unix(1_700_000_000, 0)
		for _, at := range c.turns {
			now = now.Add(at.after)
			p.begin(at.n, now)
		}
		if got := p.left(now.Add(c.spent)); (got - c.want).Abs() > turnMax/32 {
			t.Errorf("%s: %v left, want %v", c.name, got, c.want)
		}
	}
}

// Each of several pumps rests as long as one pump would that served for all of them, and
// one that was asked nothing for long does not take what the others had for a rush.
func TestPaceKnowsAllPumps(t *testing.T) {
	traffic := new(Traffic)
	pumps := []pace{newPace(traffic), newPace(traffic), newPace(traffic)}
	now := time.Unix(1_700_000_000, 0)
	for range 200 {
		now = now.Add(turnMax)
		pumps[0].begin(fullLoad/2000, now)
		now = now.Add(turnMax)
		pumps[1].begin(fullLoad/2000, now)
	}
	for i := range 2 {
		if got, want := pumps[i].Gap(), turnMax/8; (got - want).Abs() > turnMax/32 {
			t.Errorf("half of the full load, by two: pump %d has turns %v apart, want %v", i, got, want)
		}
	}
	pumps[2].begin(1, now)
	if got := pumps[2].Gap(); got > turnMax/4 {
		t.Errorf("a pump's first query in long: turns %v apart", got)
	}
}
