package control

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Origin names who disabled DHCP service (Kea: dhcpsrv/network_state.h). HA
// origins are a base plus the index of a relationship.
type Origin uint32

// Origins.
const (
	OriginUser     Origin = 1
	OriginHALocal  Origin = 1000 // + own relationship's index
	OriginHARemote Origin = 2000 // + the sender's relationship's index
	OriginDB       Origin = 3000 // and above
)

// NetworkState is the switch of DHCP service. Service runs only while nobody
// disables it. Enabled is one atomic load, for the workers; everything else is
// under the lock.
type NetworkState struct {
	enabled atomic.Bool

	mu       sync.Mutex // guards the rest
	disabled map[Origin]bool
	timers   map[Origin]*pause
	after    After
}

// HA tells an origin of high availability, which a new configuration forgets,
// from the user's and the database's, which it keeps.
func (o Origin) HA() bool { return o >= OriginHALocal && o < OriginDB }

// After runs f after d, once, unless it is stopped before: AfterFunc in
// production.
type After func(d time.Duration, f func()) Timer

// Timer is what After has begun.
type Timer interface {
	Stop() bool
	Left() time.Duration
}

// AfterFunc is After on the machine's clock.
func AfterFunc(d time.Duration, f func()) Timer {
	return alarm{time.AfterFunc(d, f), time.Now().Add(d)}
}

type alarm struct {
	*time.Timer
	at time.Time
}

// Left implements Timer.
func (a alarm) Left() time.Duration { return time.Until(a.at) }

// pause is the pending end of one origin's disabling. Its identity tells a
// timer that fires late from the one that replaced it.
type pause struct{ timer Timer }

// Held is an origin that disables service, and for how much longer; 0: until it
// is enabled.
type Held struct {
	Origin Origin
	Left   time.Duration
}

// NewNetworkState returns an enabled service.
func NewNetworkState(after After) *NetworkState {
	n := &NetworkState{disabled: make(map[Origin]bool), timers: make(map[Origin]*pause), after: after}
	n.enabled.Store(true)
	return n
}

// Enabled tells whether clients are answered.
func (n *NetworkState) Enabled() bool { return n.enabled.Load() }

// Disable stops service for o. With a period above 0 it ends by itself, and
// replaces an earlier timer of o; without one an earlier timer keeps running,
// as in Kea.
func (n *NetworkState) Disable(o Origin, period time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.disabled[o] = true
	n.enabled.Store(false)
	if period <= 0 {
		return
	}
	n.cancel(o)
	p := new(pause)
	n.timers[o] = p
	p.timer = n.after(period, func() { n.elapsed(o, p) })
}

// Enable takes back what o disabled and cancels its timer. Service runs again
// once no origin is left.
func (n *NetworkState) Enable(o Origin) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.enable(o)
}

func (n *NetworkState) enable(o Origin) {
	n.cancel(o)
	delete(n.disabled, o)
	n.enabled.Store(len(n.disabled) == 0)
}

func (n *NetworkState) cancel(o Origin) {
	if p := n.timers[o]; p != nil {
		p.timer.Stop()
		delete(n.timers, o)
	}
}

func (n *NetworkState) elapsed(o Origin, p *pause) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.timers[o] == p {
		n.enable(o)
	}
}

// ResetHA clears what HA disabled, local and remote: a new configuration
// starts its relationships afresh (Kea since 2.7.1).
func (n *NetworkState) ResetHA() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for o := range n.disabled {
		if o.HA() {
			n.enable(o)
		}
	}
}

// HandOver gives everything that disables service to another switch, in
// ascending order, and forgets it: of two switches that know the same origin
// each would keep shut what the other opens.
func (n *NetworkState) HandOver() []Held {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []Held
	for o := range n.disabled {
		h := Held{Origin: o}
		if p := n.timers[o]; p != nil {
			h.Left = max(p.timer.Left(), 1) // it is due, not endless
		}
		all = append(all, h)
		n.enable(o)
	}
	slices.SortFunc(all, func(a, b Held) int { return cmp.Compare(a.Origin, b.Origin) })
	return all
}

// Stop cancels every timer; used when the server ends.
func (n *NetworkState) Stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for o := range n.timers {
		n.cancel(o)
	}
}

// Disabled returns the origins that disable service, in ascending order.
func (n *NetworkState) Disabled() []Origin {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := make([]Origin, 0, len(n.disabled))
	for o := range n.disabled {
		list = append(list, o)
	}
	slices.Sort(list)
	return list
}
