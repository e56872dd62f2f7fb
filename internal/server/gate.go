package server

import (
	"time"

	"needletail/internal/control"
	"needletail/internal/frame"
	"needletail/leases"
	"needletail/slowpath"
)

// gate keeps queries from the engine while service is off, as Kea drops them
// before any hook sees them.
type gate struct {
	*slowpath.Worker
	service    *control.NetworkState
	clientPort uint16 // of option -P; 0: as RFC 2131 says
}

// Handle implements slowpath.Handler.
func (g gate) Handle(q *frame.Query, r *frame.Reply, b *leases.Batch, tag uint32, now time.Time) slowpath.Outcome {
	if !g.service.Enabled() {
		g.Count(slowpath.SilenceServiceDisabled)
		return slowpath.Outcome{Silence: slowpath.SilenceServiceDisabled}
	}
	o := g.Worker.Handle(q, r, b, tag, now)
	if o.Reply && g.clientPort != 0 {
		r.To.DstPort = g.clientPort // Kea: option -P, whatever kind of client it is
	}
	return o
}
