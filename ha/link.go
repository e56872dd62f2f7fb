package ha

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/internal/scope"
)

// link is one relationship as the driver sees it: the ways to its peers, the
// policy the workers read, and what the machine has not been told yet.
type link struct {
	index   int
	conf    *config.Relationship
	log     *slog.Logger
	machine *Machine        // only Backlog and Unsent, which any goroutine may use
	peers   []*peer         // all others, by name
	partner *peer           // the active one; nil for a backup and in passive-backup
	poke    func()          // wakes the driver's loop: take has something
	server  *control.Server // the dedicated listener; nil: none

	policy     atomic.Pointer[Policy]
	scope      atomic.Pointer[scope.Scope] // as the filters have it
	terminated atomic.Bool
	recount    atomic.Bool // a filter has seen too many unacked clients
	rejecting  atomic.Bool // the machine has rejected clients: report accepted ones
	parked     atomic.Int64
	skew       atomic.Int64 // ns: the partner's clock minus ours, as last measured
	clocked    atomic.Bool  // it has been measured
	parkedMax  int64        // fixed
	touched    touched

	overflowed atomic.Uint64 // queries refused beyond parkedMax, or held too long

	mu     sync.Mutex // guards report and news
	report UpdatesDone
	news   bool // report has not been taken

	// The rest belongs to the driver's loop.
	counting  bool      // the last scope was Interrupted: report Counted
	places    []string  // of unacked clients, when last asked for
	placedAt  time.Time // when
	beating   bool      // a heartbeat is on the way
	beatAgain bool      // and another one is wanted after it
	learning  bool      // the partner is being asked what it understands
	turn      *turn     // of the last sync; nil: none yet
}

// syncTimeout is how long a page of a sync may take, and, in whole seconds, how
// long the partner keeps silent for one. Kea lets 0 pass, and has a minimum for
// the second only; every page would fail.
func (l *link) syncTimeout() time.Duration { return max(l.conf.SyncTimeout, time.Second) }

// settled takes in an answer of the active partner that the machine may have
// to know of.
func (l *link) settled(o outcome, t ticket, why string) {
	if o == updated || o == contested {
		return
	}
	l.mu.Lock()
	l.news = true
	switch {
	case o == failed && l.report.Err == "":
		l.report.Err = why
	case o == conflicted && t.flight != nil:
		l.report.Rejected = append(l.report.Rejected, t.flight.client(t.query))
	}
	l.mu.Unlock()
	l.poke()
}

// accepted reports a client whose updates all succeeded.
func (l *link) accepted(who ClientKey) {
	l.mu.Lock()
	l.news = true
	l.report.Accepted = append(l.report.Accepted, who)
	l.mu.Unlock()
	l.poke()
}

// take returns what happened to updates since the last call.
func (l *link) take() (UpdatesDone, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.report, l.news
	l.report, l.news = UpdatesDone{}, false
	return r, ok
}
