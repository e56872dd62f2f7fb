package slowpath

import (
	"sync"
	"sync/atomic"

	"needletail/internal/frame"
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
)

// Verdict is what the filter says of one query.
type Verdict struct {
	Serve        bool
	Silence      Silence // why not
	Relationship uint8   // meaningful where HA is configured
	Owner        string  // class HA_<Owner>; "" without HA
}

// Filter is the user-space twin of the XDP program: it says for each query
// whether this server answers it. Every query that reaches user space passes
// it, as the kernel lets through what it is in doubt about. Scopes are set by
// whoever drives HA and read by all workers; each is one atomic pointer.
type Filter struct {
	engine *Engine
	scopes [scope.RelationshipsMax]atomic.Pointer[scopeState] // nil: never set, all is served
	wake   atomic.Pointer[func(int)]
	set    sync.Mutex // serialises SetScope
}

// scopeState is a scope and where its unacked clients are counted.
type scopeState struct {
	scope.Scope
	unacked *unackedClients // nil until the scope is of an HA mode
}

func newFilter(e *Engine) *Filter { return &Filter{engine: e} }

// SetScope replaces the scope of relationship i (0 <= i <
// scope.RelationshipsMax) in one store. A new epoch forgets the clients
// counted so far.
func (f *Filter) SetScope(i int, s scope.Scope) {
	f.set.Lock()
	defer f.set.Unlock()
	next := &scopeState{Scope: s}
	old := f.scopes[i].Load()
	switch {
	case s.Mode == scope.None:
	case old == nil || old.unacked == nil:
		next.unacked = newUnackedClients(s.Epoch)
	case old.Epoch != s.Epoch:
		next.unacked = old.unacked.next(s.Epoch)
	default:
		next.unacked = old.unacked
	}
	f.scopes[i].Store(next)
}

// Scope returns the scope of relationship i; false if it was never set.
func (f *Filter) Scope(i int) (scope.Scope, bool) {
	if s := f.scopes[i].Load(); s != nil {
		return s.Scope, true
	}
	return scope.Scope{}, false
}

// Unacked returns what was counted for relationship i in its present epoch.
func (f *Filter) Unacked(i int) scope.Unacked {
	if s := f.scopes[i].Load(); s != nil && s.unacked != nil {
		return s.unacked.read()
	}
	return scope.Unacked{}
}

// OnUnacked sets the function called when the unacked clients of relationship
// i first exceed its limit in an epoch. It runs on a worker and must not block.
func (f *Filter) OnUnacked(wake func(i int)) { f.wake.Store(&wake) }

// Judge gives the verdict on a raw query, counting unacked clients as Handle
// does. It is for tests that compare filters; it allocates.
func (f *Filter) Judge(q *frame.Query) Verdict {
	x := &exchange{plan: f.engine.plan.Load(), q: q}
	if s := x.msg.parse(q.Message); s != Answered {
		return Verdict{Silence: s}
	}
	x.classes = x.plan.bits.of(&x.msg)
	if x.plan.relationships > 1 {
		x.selectSubnet()
	}
	return f.judge(x.plan, &x.msg, x.sub)
}

// judge gives the verdict on a parsed query of a type HA looks at, which all
// types we answer are. sub is asked only with several relationships, each of
// which has a service of its own: Kea has one for all of them.
func (f *Filter) judge(p *plan, m *message, sub *subnet) Verdict {
	first := f.scopes[0].Load()
	if p.relationships == 0 && (first == nil || first.Mode != scope.None) {
		return Verdict{Serve: true} // no HA, or none since a reload
	}
	if p.relationships <= 1 {
		return f.judgeIn(0, first, m)
	}
	if sub == nil {
		return Verdict{Silence: SilenceNoSubnet}
	}
	if sub.relationship < 0 {
		return Verdict{Silence: SilenceNoRelationship}
	}
	i := int(sub.relationship)
	return f.judgeIn(i, f.scopes[i].Load(), m)
}

// judgeIn asks the scope of relationship i.
func (f *Filter) judgeIn(i int, s *scopeState, m *message) Verdict {
	v := Verdict{Serve: true, Relationship: uint8(i)}
	if s != nil && !s.Enabled {
		return Verdict{Silence: SilenceServiceDisabled, Relationship: v.Relationship}
	}
	if s == nil || s.Mode == scope.None {
		return v
	}
	var bucket uint8
	if s.Mode == scope.Hashed {
		key := loadKey(m)
		if len(key) == 0 {
			return Verdict{Silence: SilenceNoIdentifier, Relationship: v.Relationship}
		}
		bucket = rfc3074.Hash(key)
	}
	if o := int(s.Owners[bucket]); o < len(s.Names) {
		v.Owner = s.Names[o]
	}
	if !s.Serve.Has(bucket) {
		v.Serve, v.Silence = false, SilenceNotForUs
		f.countUnacked(i, s, m)
	}
	return v
}

// loadKey is the key of the load-balancing hash: the client identifier, else
// the hardware address (RFC 3074 section 5.1).
func loadKey(m *message) []byte {
	if id := m.clientID(); len(id) > 0 {
		return id
	}
	return m.hw()
}
