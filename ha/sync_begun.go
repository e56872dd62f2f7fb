package ha

import (
	"sync"
	"time"
)

// begun is when our last sync from a needletail began. A message that it sent is
// taken as a whole before that moment, or judged after it: half a message taken
// while pages are merged would pass for newer than they are (see touched).
type begun struct {
	mu sync.RWMutex // guards at; held for reading while a message is taken
	at time.Time    // zero: there was none
}

// begin notes that a sync begins, and runs what belongs to that moment.
func (b *begun) begin(with func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = time.Now().Truncate(time.Millisecond) // as messages tell it
	with()
}

// whole runs take, and tells it whether what the peer sent at a moment of our clock
// is older than our last sync from it. What an unknown peer sent is not, nor what
// tells no time.
func (p *peer) whole(sent time.Time, take func(late bool)) {
	if p == nil {
		take(false)
		return
	}
	p.synced.mu.RLock()
	defer p.synced.mu.RUnlock()
	take(sent.UnixMilli() > 0 && sent.Before(p.synced.at))
}
