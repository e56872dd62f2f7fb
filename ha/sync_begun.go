package ha

import (
	"sync"
	"time"
)

// begun is when our last sync from a needletail began, and its last one from us. A
// message that it sent is taken as a whole before that moment, or judged after it: half
// a message taken while pages are merged would pass for newer than they are (see touched).
type begun struct {
	mu   sync.RWMutex // guards the rest; held for reading while a message is taken
	at   time.Time    // ours from it; zero: there was none
	back opening      // its from us
}

// opening is a moment by a peer's clock and by ours.
type opening struct{ theirs, ours time.Time }

// before tells whether a peer sent something before the moment, by its own clock,
// which is exact. One that it has set back since would refuse all that it sends until
// then: what our clock denies, as far as it can tell, was not before.
func (o opening) before(sent time.Time, clock Clock) bool {
	return sent.Before(o.theirs) && clock.Ours(sent).Before(o.ours.Add(slackMax))
}

// begin notes that a sync begins, and runs what belongs to that moment.
func (b *begun) begin(with func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = time.Now().Truncate(time.Millisecond) // as messages tell it
	with()
}

// opened notes that the peer has begun a sync from us, at a moment of its clock.
func (b *begun) opened(theirs, ours time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.back = opening{theirs, ours}
}

// whole runs take, and tells it whether what the peer sent at a moment of its clock
// is older than our last sync from it, or its last one from us. What an unknown peer
// sent is not, nor what tells no time.
func (p *peer) whole(sent time.Time, clock Clock, take func(late bool)) {
	if p == nil {
		take(false)
		return
	}
	p.synced.mu.RLock()
	defer p.synced.mu.RUnlock()
	take(sent.UnixMilli() > 0 && (clock.Ours(sent).Before(p.synced.at) || p.synced.back.before(sent, clock)))
}
