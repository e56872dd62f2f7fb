package ha

import (
	"slices"
	"sort"
	"time"

	"needletail/internal/rfc3074"
	"needletail/internal/scope"
)

// defaultScopes are the scopes this server serves in normal operation: its
// own, if it is primary or secondary (Kea: query_filter.cc, serveDefaultScopes).
func (s *Settings) defaultScopes() []string {
	if r := s.Role(); r == RolePrimary || r == RoleSecondary {
		return []string{s.This}
	}
	return nil
}

// failoverScopes are all there are: the primary's and the secondary's (Kea:
// query_filter.cc, serveFailoverScopes).
func (s *Settings) failoverScopes() []string {
	var out []string
	for _, p := range s.active() {
		if p.Role != RoleStandby {
			out = append(out, p.Name)
		}
	}
	return out
}

// share deals the 256 buckets to primary and secondary by weight. It depends
// on nothing but the weights, so both servers deal alike: bucket b belongs to
// the primary iff the primary's running share grows at b. Equal weights, and
// none, give Kea's deal: even buckets to the primary (Kea: query_filter.cc,
// loadBalance). The primary gets 256·w0/(w0+w1) buckets, rounded to nearest,
// spread evenly.
func share(weights [2]int) (owners [256]uint8) {
	w0, sum := weights[0], weights[0]+weights[1]
	if sum == 0 {
		w0, sum = 1, 2
	}
	primary := (2*256*w0 + sum) / (2 * sum)
	for b := range owners {
		// ceil(primary·(b+1)/256) - ceil(primary·b/256) is 1 at the primary's buckets.
		if ceil(primary*(b+1), 256) == ceil(primary*b, 256) {
			owners[b] = 1
		}
	}
	return owners
}

func ceil(n, by int) int { return (n + by - 1) / by }

// scope builds what the filters need. epoch and enabled come from the machine.
func (s *Settings) scope(served []string, enabled bool) scope.Scope {
	sc := scope.Scope{
		Mode:       scope.Whole,
		Enabled:    enabled,
		AckDelay:   s.Ack,
		UnackedMax: s.UnackedMax,
	}
	for _, p := range s.active() {
		sc.Names = append(sc.Names, p.Name)
	}
	if s.Mode != ModeLoadBalancing {
		if slices.Contains(served, sc.Names[0]) {
			sc.Serve = rfc3074.All
		}
		return sc
	}
	sc.Mode = scope.Hashed
	sc.Owners = share(s.Weights)
	serves := [2]bool{slices.Contains(served, sc.Names[0]), slices.Contains(served, sc.Names[1])}
	for b, o := range sc.Owners {
		if serves[o] {
			sc.Serve.Add(uint8(b))
		}
	}
	return sc
}

// publish emits what has changed of the scope and the policy since it was last
// published. A server that loses clients stops answering before it changes what
// it does with lease changes; one that gains them the other way round.
func (r *relationship) publish(now time.Time) {
	sc := r.currentScope(now)
	pol := r.Settings.policy(r.state, r.feeding).serving(sc.Enabled && sc.Serve.Count() > 0)
	pol.Alone = pol.Alone || r.owes()
	pol.Keeps = r.owes() && !r.partner.unread() && r.partner.state == r.normal()
	pol.Yields = r.Partner != "" && !pol.Alone && r.partner.state == PartnerDown
	newScope := !r.published || !sameScope(sc, r.scope)
	newPolicy := !r.published || pol != r.policy
	shrinks := !sc.Enabled || sc.Serve.Count() < r.scope.Serve.Count()
	r.scope, r.policy, r.published = sc, pol, true

	r.mark()
	var out []Effect
	if newPolicy {
		out = append(out, SetPolicy{r.i, pol})
	}
	if newScope {
		out = append(out, SetScope{r.i, sc})
	}
	if shrinks {
		slices.Reverse(out)
	}
	r.m.first = append(r.m.first, out...)
}

// mark tells a later life that the partner lacks leases.
func (r *relationship) mark() {
	m := Mark{Relationship: r.i, Alone: r.owes() || r.policy.Partner == Count && r.scope.Enabled || r.policy.Partner == Queue}
	if m.Alone {
		m.Read = r.partner.read
	}
	if m != r.marked {
		r.marked = m
		r.m.first = append(r.m.first, m)
	}
}

func (r *relationship) currentScope(now time.Time) scope.Scope {
	sc := r.Settings.scope(r.served, r.m.service.enabled(r.i))
	why := r.countsFor(now)
	if why != r.counts && why != notCounting {
		r.forgetClients(now) // what was counted before says nothing now
	}
	r.counts = why
	sc.Interrupted = why != notCounting
	sc.Epoch = r.epoch
	return sc
}

// counting is why the filters count unacked clients.
type counting uint8

const (
	notCounting counting = iota
	forFailure           // communication is interrupted (Kea ARM, "max-unacked-clients")
	forDeafness          // the partner may be deaf; see deaf
)

func (r *relationship) countsFor(now time.Time) counting {
	switch {
	case r.Partner == "":
		return notCounting
	case r.interrupted(now):
		return forFailure
	case r.watching():
		return forDeafness
	default:
		return notCounting
	}
}

// forgetClients starts a new epoch: the filters forget all clients at once.
func (r *relationship) forgetClients(now time.Time) {
	r.epoch++
	r.epochAt = now
	r.partner.counted = Counted{}
}

// sameScope leaves Names out: they never change.
func sameScope(a, b scope.Scope) bool {
	return a.Mode == b.Mode && a.Enabled == b.Enabled && a.Serve == b.Serve &&
		a.Interrupted == b.Interrupted && a.AckDelay == b.AckDelay &&
		a.UnackedMax == b.UnackedMax && a.Epoch == b.Epoch && a.Owners == b.Owners
}

// sorted returns names in order, as heartbeats and status-get list scopes.
func sorted(names []string) []string {
	out := slices.Clone(names)
	sort.Strings(out)
	return out
}
