package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"
)

// world is the simulated clock with everything that will happen, and the seed's
// source of chance. One goroutine runs it.
type world struct {
	rng   *rand.Rand
	now   time.Duration // since the start of the run
	queue events
	count uint64 // breaks ties, so that a run is determined
	trace []line
}

// epoch is the wall time at which runs start.
var epoch = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const traceMax = 4000 // lines kept; the latest count

type event struct {
	at  time.Duration
	seq uint64
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}

// after lets do happen in a while.
func (w *world) after(d time.Duration, do func()) {
	w.count++
	heap.Push(&w.queue, event{at: w.now + max(d, 0), seq: w.count, do: do})
}

// runUntil lets everything happen up to a moment.
func (w *world) runUntil(end time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= end {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
	}
	w.now = end
}

// between returns a random duration in [a, b).
func (w *world) between(a, b time.Duration) time.Duration {
	if b <= a {
		return a
	}
	return a + time.Duration(w.rng.Int64N(int64(b-a)))
}

// chance is true with a probability in percent.
func (w *world) chance(percent float64) bool { return w.rng.Float64()*100 < percent }

// line of the trace. It becomes text only if somebody reads it, so what it
// tells of must not change.
type line struct {
	at     time.Duration
	format string
	args   []any
}

func (l line) String() string {
	return fmt.Sprintf("%10.3f  ", l.at.Seconds()) + fmt.Sprintf(l.format, l.args...)
}

func (w *world) logf(format string, a ...any) {
	if len(w.trace) >= 2*traceMax {
		w.trace = append(w.trace[:0], w.trace[traceMax:]...)
	}
	w.trace = append(w.trace, line{w.now, format, a})
}
