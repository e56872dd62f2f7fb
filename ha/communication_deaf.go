package ha

import (
	"fmt"
	"strings"
	"time"
)

// A deaf partner answers heartbeats but not its clients: its relay link is
// down, say. Kea looks at clients only while communication is interrupted; with
// deaf-partner we look always. Take-over uses the maintenance that every Kea
// knows: the partner steps aside and we serve for it, so that two servers never
// serve the same clients. Nothing tells when it can hear again; so maintenance
// is cancelled after a while and begins anew if it is deaf still, each time for
// twice as long.
const (
	deafWindow   = time.Minute // at least; clients are counted anew after it
	deafProbe    = 10 * time.Minute
	deafProbeMax = 2 * time.Hour
)

type deafness struct {
	warned  bool      // in this window
	taken   bool      // maintenance is our own doing
	probeAt time.Time // when maintenance is cancelled; zero: not
	probe   time.Duration
}

// watching reports whether clients are counted for deafness.
func (r *relationship) watching() bool {
	return r.Deaf != DeafOff && r.state == r.normal() && r.m.service.enabled(r.i)
}

func (r *relationship) window() time.Duration { return max(r.Response, deafWindow) }

// watch ends windows, judges the present one and ends take-overs.
func (r *relationship) watch(now time.Time) {
	d := &r.deafness
	if d.taken && r.state != PartnerInMaintenance && r.job.maintenance == nil {
		*d = deafness{probe: d.probe}
	}
	if !d.probeAt.IsZero() && !now.Before(d.probeAt) {
		d.probeAt = now.Add(d.probe)
		r.maintenanceCancel(now, MaintenanceCancel{})
	}
	if r.counts != forDeafness {
		return
	}
	if deaf := r.partner.counted.Unacked.Unacked > r.UnackedMax; deaf && !d.warned {
		d.warned = true
		r.deaf(now)
	}
	if now.Sub(r.epochAt) >= r.window() {
		if !d.warned {
			d.probe = 0
		}
		d.warned = false
		r.forgetClients(now)
	}
}

// watchWake is when watch has something to do.
func (r *relationship) watchWake() time.Time {
	at := r.deafness.probeAt
	if r.counts == forDeafness {
		at = sooner(at, r.epochAt.Add(r.window()))
	}
	return at
}

func (r *relationship) deaf(now time.Time) {
	c := r.partner.counted
	text := fmt.Sprintf("partner %s answers heartbeats, but %d of its clients have waited longer than max-ack-delay", r.Partner, c.Unacked.Unacked)
	if len(c.Where) > 0 {
		text += " behind " + strings.Join(c.Where, ", ")
	}
	if r.Deaf == DeafWarn {
		r.warn(text + ": look at the path from there to it")
		return
	}
	r.warn(text + ": asking it to step aside")
	if r.job.maintenance == nil {
		r.deafness.taken = true
		r.maintenanceStart(now, MaintenanceStart{})
	}
}

// tookOver sets the end of a take-over.
func (r *relationship) tookOver(now time.Time) {
	d := &r.deafness
	d.probe = min(max(2*d.probe, deafProbe), deafProbeMax)
	d.probeAt = now.Add(d.probe)
}
