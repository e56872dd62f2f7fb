package slowpath

import (
	"sync"
	"time"

	"needletail/internal/frame"
	"needletail/leases"
)

// Worker answers queries for one goroutine; it owns the scratch they need.
type Worker struct {
	engine *Engine
	count  counters
	x      exchange
	draft  draft

	// mu is held during Handle by the worker's goroutine and by Reload, so it
	// is contended only while a configuration is replaced.
	mu sync.Mutex
}

// Handle decides on one query at time now. It writes at most one reply into
// r.Buf and sets r.Len and r.To; it appends lease changes to b under
// b.Query(tag, relationship). With Pending set the reply may leave only when
// b is durable and replicated. Pending without Reply is a change that nobody
// is told of (RELEASE, DECLINE). It keeps nothing of q, r or b.
func (w *Worker) Handle(q *frame.Query, r *frame.Reply, b *leases.Batch, tag uint32, now time.Time) Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	x := &w.x
	x.plan, x.q, x.now = w.engine.plan.Load(), q, now.Unix()
	r.Len = 0
	why := x.msg.parse(q.Message)
	if why == Answered {
		why = w.admit()
	}
	o := Outcome{Silence: why}
	if why == Answered {
		o = w.serve(r, b, tag)
	}
	o.Type = x.msg.typ
	w.tally(&o, r)
	x.q = nil
	return o
}

// admit finds out whose query it is and where the client is. With several
// relationships the subnet tells whose it is, so that comes first (Kea:
// ha_impl.cc, subnet4Select); its classes are then of no use to selection.
func (w *Worker) admit() Silence {
	x := &w.x
	x.classes = x.plan.bits.of(&x.msg)
	if x.plan.relationships > 1 {
		x.selectSubnet()
	}
	x.verdict = w.engine.filter.judge(x.plan, &x.msg, x.sub)
	if !x.verdict.Serve {
		return x.verdict.Silence
	}
	if x.verdict.Owner != "" && len(x.plan.bits.ha) > 0 {
		x.classes |= x.plan.bits.ha[x.verdict.Owner]
	}
	if x.plan.relationships <= 1 {
		x.selectSubnet()
	}
	return Answered
}

func (x *exchange) selectSubnet() {
	s := selectorOf(x.plan, x.q, &x.msg, x.classes)
	x.sub = x.plan.selectSubnet(&s)
}

func (w *Worker) tally(o *Outcome, r *frame.Reply) {
	t := o.Type
	if int(t) >= typeCount {
		t = typeNone
	}
	w.count.received[t].Add(1)
	w.count.silence[o.Silence].Add(1)
	if o.Reply {
		w.count.sent[w.draft.kind].Add(1)
	}
}
