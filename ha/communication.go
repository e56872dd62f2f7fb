package ha

import "time"

// Limits of Kea's communication state (Kea: communication_state.cc).
const (
	skewWarn      = 30 * time.Second // beyond it: warning
	skewMax       = 60 * time.Second // beyond it: terminated
	skewWarnEvery = time.Minute
	rejectedFor   = 24 * time.Hour
)

// communication is what a relationship knows about its partner (Kea ARM,
// "Communication state"). The machine's goroutine owns it.
type communication struct {
	state   State
	since   time.Time // when a heartbeat first told this state
	contact time.Time // last good heartbeat, or creation
	scopes  []string
	unsent  [2]uint64 // the partner's counter: when we last knew all its leases, and latest
	read    uint64    // the same, when both last served beside each other, or we last synchronised

	hasSkew   bool
	skew      time.Duration // partner's clock minus ours, whole seconds
	skewAt    time.Time     // our clock then
	partnerAt time.Time
	warnedAt  time.Time

	rejected map[ClientKey]time.Time // and when it is forgotten
	counted  Counted
}

// heard takes a good heartbeat answer. Nothing else counts as contact: neither
// lease updates nor the partner's own heartbeats (Kea: ha_service.cc,
// asyncSendHeartbeat; its ARM says otherwise). Contact and skew are of the moment
// of the answer, however long it took to get here; a later contact stands.
func (c *communication) heard(now time.Time, h HeartbeatDone) {
	at := h.At
	if at.IsZero() {
		at = now
	}
	if at.After(c.contact) {
		c.contact = at
	}
	if c.state != h.State {
		c.since = at
	}
	c.state, c.scopes = h.State, h.Scopes
	c.unsent[1] = h.Unsent
	c.hasSkew, c.skewAt, c.partnerAt = true, at, h.Time
	c.skew = h.skew(at, c.skew)
}

// skew is the partner's clock minus ours in whole seconds, as an answer of some
// moment tells it: it was written since the heartbeat was asked, which is long ago
// if a process was stopped meanwhile. Of what it may mean the nearest to what was
// known counts. Kea takes the moment it reads the answer.
func (h *HeartbeatDone) skew(at time.Time, known time.Duration) time.Duration {
	least := time.Duration(h.Time.Unix()-at.Unix()) * time.Second
	most := least
	if !h.Began.IsZero() {
		most = max(most, time.Duration(h.Time.Unix()-h.Began.Unix())*time.Second)
	}
	return min(max(known, least), most)
}

// lost marks the partner unavailable: a heartbeat, a lease update or any other
// command to it failed. The skew is forgotten (Kea: since 2.3.7).
func (c *communication) lost() {
	c.state, c.hasSkew = Unavailable, false
}

// interrupted reports whether the last contact is too old, strictly (Kea:
// communication_state.cc, isCommunicationInterrupted).
func (c *communication) interrupted(now time.Time, after time.Duration) bool {
	return now.Sub(c.contact) > after
}

// newUnsent reports whether the partner answered clients without telling us
// (Kea: hasPartnerNewUnsentUpdates). Kea compares the last two heartbeats, and
// misses updates if the first heartbeat after an outage meets the partner in
// syncing. We compare with the last heartbeat before we went our own way.
func (c *communication) newUnsent() bool {
	return c.unsent[1] > 0 && c.unsent[1] != c.unsent[0]
}

// together notes that nothing of the partner's is missing here.
func (c *communication) together() { c.unsent[0] = c.unsent[1] }

// unread reports whether the partner may have answered clients without telling us.
// newUnsent, which is Kea's, forgets that with any state but partner-down.
func (c *communication) unread() bool { return c.unsent[1] != c.read }

// reject remembers clients whose updates conflicted.
func (c *communication) reject(now time.Time, who []ClientKey) {
	if c.rejected == nil {
		c.rejected = map[ClientKey]time.Time{}
	}
	for _, k := range who {
		c.rejected[k] = now.Add(rejectedFor)
	}
}

// forgive forgets clients: their update succeeded, or their time is over. Kea
// purges the expired only when another client is rejected.
func (c *communication) forgive(now time.Time, who []ClientKey) {
	for _, k := range who {
		delete(c.rejected, k)
	}
	for k, until := range c.rejected {
		if !now.Before(until) {
			delete(c.rejected, k)
		}
	}
}

// tooSkewed, skewed and tooRejected are the terminate check (Kea:
// ha_service.cc, shouldTerminate).
func (c *communication) tooSkewed() bool { return c.hasSkew && c.skew.Abs() > skewMax }

func (c *communication) skewed(now time.Time) bool {
	if !c.hasSkew || c.skew.Abs() <= skewWarn {
		return false
	}
	if !c.warnedAt.IsZero() && now.Sub(c.warnedAt) < skewWarnEvery {
		return false
	}
	c.warnedAt = now
	return true
}

func (c *communication) tooRejected(limit uint32) bool {
	return limit > 0 && len(c.rejected) >= int(limit)
}

// failed is the client analysis (Kea: communication_state.cc, failureDetected):
// more clients than the limit are without an answer, or nobody asks.
func (c *communication) failed(limit uint32) bool {
	return limit == 0 || c.counted.Unacked.Unacked > limit
}

// Skew returns the partner's clock minus ours as last measured, also when the
// partner has been unavailable since (the terminate check has forgotten it
// then): what a partner says about times is on its clock, and leases must not
// end here before they end at the client. known: it has been measured.
func (m *Machine) Skew(i int) (skew time.Duration, known bool) {
	c := &m.rels[i].partner
	return c.skew, !c.skewAt.IsZero()
}
