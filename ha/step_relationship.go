package ha

import (
	"time"

	"needletail/internal/scope"
)

// relationship is the machine of one relationship.
type relationship struct {
	Settings
	i int
	m *Machine

	state    State
	previous State // the state before this one, where maintenance returns to
	entered  time.Time
	paused   bool
	visited  [statesEnd]bool // for pause once
	served   []string        // scopes, server names

	partner communication
	heart   heartbeat
	job     job // what runs at the driver
	epoch   uint32
	epochAt time.Time
	counts  counting

	// What the partner knows of our leases; see owes.
	settled  uint64    // our unsent counter when it began its last complete sync
	reads    uint64    // the same of the sync under way
	reading  bool      // a sync of it is under way
	readAt   time.Time // since then
	whole    bool      // from our first lease on; else it began before we started
	pressed  bool      // it was reset and has not begun a sync since
	resetAt  time.Time // we last asked it to reset itself
	feeding  bool      // it syncs by stream and is sent every change
	standsIn bool      // in the normal state: we serve its clients, it is in maintenance without reason
	yielded  bool      // in partner-in-maintenance: the partner serves its clients itself
	notified uint8     // in partner-down: its sync is complete and we are silent for this many heartbeats at most

	deafness deafness
	backlog  Backlog
	unsent   Unsent

	published bool
	scope     scope.Scope
	policy    Policy
	marked    Mark // the last one
}

// heartbeat is the timer: one-shot, armed again only when a heartbeat is done
// (Kea: communication_state.cc, scheduleHeartbeat).
type heartbeat struct {
	at     time.Time // zero: not armed
	flying bool
	due    time.Time // its answer, or its failure; zero: none is flying, or that time has been noticed
	old    bool      // the one in flight was asked before something that makes its answer stale
	wanted bool      // a sync has failed, or we stood still: the next heartbeat tells whether the partner lives
	// What was asked before this moment may be answered with a state of
	// maintenance that has been cancelled.
	cancelled time.Time
}

// job is what the driver does for the machine.
type job struct {
	syncID      uint64 // of the running or the last sync
	syncing     bool
	drain       errand // sending the backlog
	reset       errand // sending ha-reset
	maintenance *maintenance
}

// errand is a job that goes on at the driver when its state is left; its end
// then means nothing.
type errand uint8

const (
	idle errand = iota
	running
	stale
)

// begin starts the errand unless one is under way.
func (e *errand) begin() bool {
	if *e != idle {
		return false
	}
	*e = running
	return true
}

// done ends the errand and reports whether its end is of interest.
func (e *errand) done() bool {
	was := *e
	*e = idle
	return was == running
}

// leave marks a running errand as stale.
func (e *errand) leave() {
	if *e == running {
		*e = stale
	}
}

// httpTimeout is Kea's limit for one request (Kea: config/timeouts.h).
const httpTimeout = 10 * time.Second

// start is the creation of the machine: the handler of waiting runs once.
func (r *relationship) start(now time.Time) {
	r.partner.contact = now
	r.marked, r.partner.read = Mark{r.i, r.Alone, r.Read}, r.Read
	if r.Alone {
		r.unsent.Add(int(now.Unix())) // any number that no former life had
	}
	r.enter(now, Waiting, "start")
	r.run(now)
}

// tick does what time alone brings about.
func (r *relationship) tick(now time.Time) {
	if !r.heart.at.IsZero() && !now.Before(r.heart.at) {
		r.heart.at, r.heart.flying, r.heart.old = time.Time{}, true, false
		r.heart.due = now.Add(r.heartTimeout())
		r.then(SendHeartbeat{r.i, r.heartTimeout()})
	}
	if !now.Before(r.heart.due) {
		r.heart.due = time.Time{}
	}
	// Kea's machine waits for the next heartbeat to notice that communication
	// has become interrupted. Ours looks at that very moment.
	if r.partner.state == Unavailable && r.interrupted(now) && r.counts != forFailure {
		r.publish(now)
		r.run(now)
	}
	r.watch(now)
}

// wake returns when tick has something to do, or Machine.late to notice: a
// server that stands still while nothing else is to come but its heartbeat's end.
func (r *relationship) wake() time.Time {
	at := sooner(r.heart.at, r.heart.due)
	if r.Partner != "" && r.counts != forFailure {
		at = sooner(at, r.partner.contact.Add(r.Response+1))
	}
	return sooner(at, r.watchWake())
}

// heartTimeout is 10 s as in Kea. Where max-response-delay is short it is less,
// so that three heartbeats fit in and one lost message is not an outage.
func (r *relationship) heartTimeout() time.Duration {
	return min(httpTimeout, max(r.Heart, r.Response/3))
}

func (r *relationship) interrupted(now time.Time) bool {
	return r.Partner != "" && r.partner.interrupted(now, r.Response)
}

// armHeart makes sure that a heartbeat will come; in the states without it
// does nothing.
func (r *relationship) armHeart(now time.Time) {
	if r.Heart == 0 || r.Partner == "" || r.heart.flying || !r.heart.at.IsZero() ||
		r.state == Terminated || r.job.syncing {
		return
	}
	r.heart.at = now.Add(r.Heart)
}

// afterSyncNotify is how soon we look at a partner that has finished its sync.
// Kea waits for its next heartbeat, silent meanwhile.
const afterSyncNotify = 100 * time.Millisecond

func (r *relationship) heartSoon(now time.Time) {
	r.heart.old = r.heart.flying
	if soon := now.Add(afterSyncNotify); r.heart.at.After(soon) {
		r.heart.at = soon
	}
}

func (r *relationship) stopHeart() { r.heart.at = time.Time{} }

func (r *relationship) then(e Effect) { r.m.then = append(r.m.then, e) }

func (r *relationship) answer(token uint64, result int, text string) {
	r.answerState(token, result, text, Unknown)
}

// answerState answers a command; token 0 is our own doing and gets none.
func (r *relationship) answerState(token uint64, result int, text string, st State) {
	if token != 0 {
		r.m.answers = append(r.m.answers, Answer{Token: token, Result: result, Text: text, State: st})
	}
}
