package slowpath

import (
	"needletail/internal/frame"
	"needletail/leases"
)

// serve answers a query that is ours to answer.
func (w *Worker) serve(r *frame.Reply, b *leases.Batch, tag uint32) Outcome {
	x := &w.x
	x.begin()
	switch {
	case x.who.HLen == 0 && x.id == nil:
		return Outcome{Silence: SilenceNoIdentity}
	case !x.forUs():
		return w.notChosen()
	}
	switch x.msg.typ {
	case typeDiscover:
		return w.discover(r)
	case typeRequest:
		return w.requested(r, b, tag)
	case typeRelease:
		return w.release(b, tag)
	case typeDecline:
		return w.decline(b, tag)
	}
	return w.inform(r)
}

// notChosen takes back what was offered to a client that chose another server
// (RFC 2131 section 3.1, step 4).
func (w *Worker) notChosen() Outcome {
	x := &w.x
	if x.msg.typ == typeRequest && x.sub != nil {
		t := w.engine.store.Begin(x.sub.net.index)
		if v, s := x.own(&t); s != nil && v.State == leases.Offered {
			t.ForgetOffer(v.Addr, x.as(s))
		}
		t.End()
	}
	return Outcome{Silence: SilenceOtherServer}
}

// discover: RFC 2131 section 4.3.1. A server identifier has no place in a
// DHCPDISCOVER (table 5).
func (w *Worker) discover(r *frame.Reply) Outcome {
	x := &w.x
	switch {
	case x.msg.seen.has(optServerID):
		return Outcome{Silence: SilenceBadRequest}
	case x.sub == nil:
		return Outcome{Silence: SilenceNoSubnet}
	case !w.fits():
		return Outcome{Silence: SilenceNoRoom}
	}
	x.keepAgent()
	t := w.engine.store.Begin(x.sub.net.index)
	found := w.offer(&t)
	t.End()
	if !found {
		return Outcome{Silence: SilenceNoAddress}
	}
	return w.reply(r, typeOffer)
}

// requested: RFC 2131 section 4.3.2.
func (w *Worker) requested(r *frame.Reply, b *leases.Batch, tag uint32) Outcome {
	x := &w.x
	m := &x.msg
	f := facts{
		state:  requestState(m.addrOption(optServerID), m.addrOption(optRequested), m.ciaddr(), x.q.Link.Dst == allBroadcast),
		subnet: x.sub != nil, authoritative: x.plan.authoritative,
	}
	if !w.fits() {
		return Outcome{Silence: SilenceNoRoom}
	}
	var a answer
	var changed bool
	if x.sub == nil {
		a = decideRequest(f)
	} else {
		f.authoritative = x.sub.authoritative
		x.keepAgent()
		t := w.engine.store.Begin(x.sub.net.index)
		a, changed = w.request(&t, b, tag, f)
		t.End()
	}
	if !a.spoken() {
		return Outcome{Silence: a.silence, Pending: changed}
	}
	o := w.reply(r, a.reply)
	o.Pending = changed
	return o
}

// keepAgent prepares the user context of the lease (store-extended-info); for a
// DHCPDISCOVER too, since it decides whether the lease cache would answer.
func (x *exchange) keepAgent() {
	v := x.msg.option(optAgent)
	if v == nil || !x.sub.extended {
		return
	}
	x.room = appendExtended(x.room[:0], v, &x.msg.agent)
	x.context = x.room
}

// release: RFC 2131 section 4.3.4. Whether the lease is remembered for its
// client (Kea 3: state released) is the store's to know, see leases.Times.
func (w *Worker) release(b *leases.Batch, tag uint32) Outcome {
	x := &w.x
	addr := number(x.msg.ciaddr())
	for s := x.plan.containing(addr, 0); s != nil; s = x.plan.containing(addr, s.id) {
		t := w.engine.store.Begin(s.net.index)
		v, ok := t.At(netAddr(addr), x.as(s))
		mine := ok && v.Mine && v.State == leases.Active
		if mine {
			b.Query(tag, x.verdict.Relationship)
			t.Release(b, v.Addr, x.now)
		}
		t.End()
		if mine {
			return Outcome{Silence: SilenceReleased, Pending: true}
		}
	}
	return Outcome{Silence: SilenceReleaseMismatch}
}

// decline: RFC 2131 section 4.3.3. The address rests for
// decline-probation-period.
func (w *Worker) decline(b *leases.Batch, tag uint32) Outcome {
	x := &w.x
	addr := number(x.msg.addrOption(optRequested))
	for s := x.plan.containing(addr, 0); s != nil; s = x.plan.containing(addr, s.id) {
		t := w.engine.store.Begin(s.net.index)
		v, ok := t.At(netAddr(addr), x.as(s))
		mine := ok && v.Mine && live(&v, x.now)
		if mine {
			b.Query(tag, x.verdict.Relationship)
			b.By(x.as(s))
			t.Decline(b, v.Addr, x.now, x.plan.probation)
		}
		t.End()
		if mine {
			return Outcome{Silence: SilenceDeclined, Pending: true}
		}
	}
	return Outcome{Silence: SilenceDeclineMismatch}
}

// inform: RFC 2131 section 4.3.5: parameters without a lease.
func (w *Worker) inform(r *frame.Reply) Outcome {
	x := &w.x
	switch {
	case x.msg.ciaddr() == anyAddress && x.msg.giaddr() == anyAddress && x.q.Link.Src == anyAddress:
		return Outcome{Silence: SilenceInformNoAddress}
	case x.sub == nil:
		return Outcome{Silence: SilenceNoSubnet}
	case !w.fits():
		return Outcome{Silence: SilenceNoRoom}
	}
	x.got = holding{}
	return w.reply(r, typeAck)
}
