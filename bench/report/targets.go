package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"needletail/bench/record"
)

// A target is what the project promises of one work, and how records answer.
type target struct {
	work    string
	promise string
	judge   func(*results) judgement
}

// A judgement is what the records of a run say of a target.
type judgement struct {
	own, peer string  // the measured text, Kea's beside it
	kept      float64 // by how much the promise is kept (1 or more) or missed
	open      string  // why there is no verdict, "" if there is one
	run       string  // whose records these are
}

// unmeasured is the judgement without the records that it needs.
var unmeasured = judgement{own: "not measured", open: "not measured"}

const ours, kea = "needletail", "kea"

var targets = []target{
	{"DORA, one server, synced before ACK", "at least 8 times Kea (aim 20)", ratio("dora", "sync", 8)},
	{"DORA, one server, durability `os`, Kea's own promise", "at least 10 times Kea (aim 25)", ratio("dora", "os", 10)},
	{"DORA by AF_XDP against our own kernel sockets, synced", "at least 1.5 times", ownSockets("sync")},
	{"the same with leases in memory, the ports alone", "at least 1.5 times", ownSockets("memory")},
	{"DORA, load-balancing pair against a pair of Keas, synced", "at least 10 times (aim 25)", ratio("pair-dora", "sync", 10)},
	{"a pair's rate as a share of one server's, per CPU second", "at least 60 %", pairShare},
	{"renewals inside the lease cache", "at least 10 times Kea", ratio("renew-cached", "sync", 10)},
	{"out-of-scope queries refused per second", "at least 50 times Kea", refusals},
	{"CPU seconds per 100,000 DORA at 5,000 a second, synced", "at most a fifth of Kea's", processor},
	{"p99 latency at half of Kea's highest rate, synced", "at most 3 ms plus one disk sync", latencyAtHalf},
	{"memory per lease at 1,000,000", "at most 128 bytes over the empty server", memory(1e6)},
	{"memory per lease at 5,000,000", "at most 128 bytes over the empty server", memory(5e6)},
	{"start with 1,000,000 leases", "at most 3 s", startTime},
	{"reboot storm, 1,000,000 clients in 60 s", "every client bound within its back-off", storm},
	{"goodput at 3 times overload, held to half a processor", "at least 80 % of the peak", overload},
}

// judgeNewest judges by the newest run that has what the target needs: figures
// of different runs are never set against each other.
func (t *target) judgeNewest(all []record.Record) judgement {
	names := runs(all)
	slices.Sort(names) // runs are named by their time
	for _, name := range slices.Backward(names) {
		var one results
		for _, r := range all {
			if r.Run == name {
				one.all = append(one.all, r)
			}
		}
		if j := t.judge(&one); j != unmeasured {
			j.run = name
			return j
		}
	}
	return unmeasured
}

// lossMax is the share of exchanges that a figure's run may have lost, as in a
// search.
const lossMax = 0.001

// stained says why no verdict rests on the records, "" if one can.
func stained(of ...*record.Record) string {
	for _, r := range of {
		if why := r.Result.Blemish(lossMax); why != "" {
			return r.Server.Name + ": " + why
		}
	}
	return ""
}

// results are the records, all of one run, that targets look at.
type results struct{ all []record.Record }

// best returns the record of a work and server with the highest rate, of those
// that a verdict can rest on if there are any; durability "" is any.
func (r *results) best(work, server, durability string) *record.Record {
	return r.most(work, server, durability, func(rec *record.Record) float64 {
		rate := rec.Result.PerSecond
		if stained(rec) != "" {
			return rate - math.MaxInt32 // below every clean one
		}
		return rate
	})
}

func (r *results) most(work, server, durability string, by func(*record.Record) float64) *record.Record {
	var of []*record.Record
	for i := range r.all {
		rec := &r.all[i]
		if rec.Work == work && rec.Result != nil && rec.Server.Name == server && (durability == "" || rec.Server.Durability == durability) {
			of = append(of, rec)
		}
	}
	if len(of) == 0 {
		return nil
	}
	return slices.MaxFunc(of, func(a, b *record.Record) int { return cmp.Compare(by(a), by(b)) })
}

// ratio judges a rate against Kea's in the same work.
func ratio(work, durability string, least float64) func(*results) judgement {
	return func(r *results) judgement {
		own, peer := r.best(work, ours, durability), r.best(work, kea, "")
		if own == nil || peer == nil {
			return unmeasured
		}
		times := own.Result.PerSecond / peer.Result.PerSecond
		return judgement{own: fmt.Sprintf("%.1f times: %s/s", times, count(own.Result.PerSecond)), peer: count(peer.Result.PerSecond) + "/s", kept: times / least, open: stained(own, peer)}
	}
}

// ownSockets sets needletail's rate by AF_XDP against its rate by kernel sockets.
func ownSockets(durability string) func(*results) judgement {
	return func(r *results) judgement {
		var ring, socket results
		for _, rec := range r.all {
			switch {
			case strings.Contains(rec.Server.Mode, "AF_XDP"):
				ring.all = append(ring.all, rec)
			case strings.HasPrefix(rec.Server.Mode, "kernel socket"):
				socket.all = append(socket.all, rec)
			}
		}
		a, b := ring.best("dora", ours, durability), socket.best("dora", ours, durability)
		if a == nil || b == nil {
			return unmeasured
		}
		times := a.Result.PerSecond / b.Result.PerSecond
		return judgement{own: fmt.Sprintf("%.1f times: %s/s against %s/s", times, count(a.Result.PerSecond), count(b.Result.PerSecond)), kept: times / 1.5, open: stained(a, b)}
	}
}

// perSecondOfCPU is exchanges done for each processor second of the servers.
func perSecondOfCPU(r *record.Record) float64 {
	if r == nil || r.CPU.Server <= 0 {
		return 0
	}
	return float64(r.Result.Completed) / r.CPU.Server
}

// pairShare sets a pair against one server behind the same bridge.
func pairShare(r *results) judgement {
	why := ""
	share := func(server, durability string) float64 {
		pair, one := r.best("pair-dora", server, durability), r.best("bridged-dora", server, durability)
		if pair == nil || perSecondOfCPU(one) == 0 {
			return 0
		}
		why = cmp.Or(why, stained(pair, one))
		return perSecondOfCPU(pair) / perSecondOfCPU(one)
	}
	own, peer := share(ours, "sync"), share(kea, "")
	if own == 0 {
		return unmeasured
	}
	return judgement{own: percent(own), peer: percent(peer), kept: own / 0.6, open: why}
}

// refusals compares what each refuses while it serves its own clients without loss.
// What Kea took in at any rate, with whatever loss, stands beside it.
func refusals(r *results) judgement {
	value := func(rec *record.Record) float64 { return rec.Values["refused_per_s"] }
	own, peer := r.most("refuse", ours, "", value), r.most("refuse", kea, "", value)
	if own == nil || peer == nil {
		return unmeasured
	}
	mine, keas, most := own.Values["refused_per_s"], peer.Values["refused_per_s"], peer.Values["refused_most_per_s"]
	return judgement{own: fmt.Sprintf("%.0f times: %s/s; %.0f times what Kea takes in with loss", mine/keas, count(mine), mine/most),
		peer: fmt.Sprintf("%s/s; %s/s with loss", count(keas), count(most)), kept: mine / keas / 50, open: stained(own, peer)}
}

func processor(r *results) judgement {
	const value = "server_cpu_s_per_100k"
	own, peer := r.best("cpu-at-5000", ours, "sync"), r.best("cpu-at-5000", kea, "")
	if own == nil || peer == nil || own.Values[value] == 0 {
		return unmeasured
	}
	a, b := own.Values[value], peer.Values[value]
	return judgement{own: fmt.Sprintf("%.2f s, 1/%.1f", a, b/a), peer: fmt.Sprintf("%.2f s", b), kept: b / a / 5, open: stained(own, peer)}
}

func latencyAtHalf(r *results) judgement {
	own, peer := r.best("latency-at-half", ours, "sync"), r.best("latency-at-half", kea, "")
	if own == nil || peer == nil || own.Result.Latency["dora"].P99 == 0 {
		return unmeasured
	}
	sync := own.Values["disk_sync_us"]
	p := float64(own.Result.Latency["dora"].P99)
	return judgement{own: fmt.Sprintf("%s at %s/s; one sync %s", micros(p), count(own.Result.Rate), micros(sync)),
		peer: micros(float64(peer.Result.Latency["dora"].P99)), kept: (3000 + sync) / p, open: stained(own)}
}

// atPoint returns a value of growth/leases of a server that holds n leases.
func (r *results) atPoint(server string, n float64, value string) (float64, bool) {
	for _, rec := range r.all {
		if rec.Work == "growth/leases" && rec.Server.Name == server && rec.Point == n {
			return rec.Values[value], true
		}
	}
	return 0, false
}

func memory(n float64) func(*results) judgement {
	return func(r *results) judgement {
		each := func(server string) float64 {
			full, ok1 := r.atPoint(server, n, "rss_bytes")
			empty, ok2 := r.atPoint(server, 1, "rss_bytes")
			if !ok1 || !ok2 {
				return 0
			}
			return (full - empty) / n
		}
		own, peer := each(ours), each(kea)
		text := "not measured"
		if peer > 0 {
			text = fmt.Sprintf("%.0f bytes", peer)
		}
		if own == 0 {
			return unmeasured
		}
		return judgement{own: fmt.Sprintf("%.0f bytes", own), peer: text, kept: 128 / max(own, 1)}
	}
}

func startTime(r *results) judgement {
	own, ok := r.atPoint(ours, 1e6, "start_ms")
	if !ok {
		return unmeasured
	}
	text := "not measured"
	if peer, ok := r.atPoint(kea, 1e6, "start_ms"); ok {
		text = fmt.Sprintf("%.1f s", peer/1000)
	}
	return judgement{own: fmt.Sprintf("%.1f s", own/1000), peer: text, kept: 3000 / max(own, 1)}
}

func storm(r *results) judgement {
	own := r.best("timeline/reboot-storm", ours, "")
	if own == nil {
		return unmeasured
	}
	all := own.Result.Completed + own.Result.Failed + own.Result.Skipped
	bound := float64(own.Result.Completed) / float64(max(all, 1))
	return judgement{own: fmt.Sprintf("%s of %s bound, the last after %.0f s", count(float64(own.Result.Completed)), count(float64(all)), own.Values["last_bound_s"]),
		kept: bound, open: unoffered(own)}
}

// unoffered says why a load in which clients try again was not the one that was
// asked for, "" if it was. Loss and a backlog, however large, are what it is for.
func unoffered(r *record.Record) string {
	offered := r.Result.Completed + r.Result.Failed
	if r.Result.Skipped > uint64(lossMax*float64(offered)) {
		return fmt.Sprintf("%s: the generator did not begin %s of %s", r.Server.Name, count(float64(r.Result.Skipped)), count(float64(offered+r.Result.Skipped)))
	}
	if why := r.Result.Blemish(1); why != "" {
		return r.Server.Name + ": " + why
	}
	return ""
}

// peakSeconds is how long a rate must have held to be the peak that an overload
// is measured by; above peakMax of it the peak was none.
const (
	peakSeconds = 10
	peakMax     = 1.1
)

func overload(r *results) judgement {
	own := r.best("timeline/overload", ours, "")
	if own == nil || own.Values["peak_per_s"] == 0 {
		return unmeasured
	}
	good, peak := own.Values["goodput_per_s"], own.Values["peak_per_s"]
	j := judgement{own: fmt.Sprintf("%s: %s/s of %s/s", percent(good/peak), count(good), count(peak)), kept: good / peak / 0.8}
	switch {
	case own.Values["peak_held_s"] < peakSeconds:
		j.open = fmt.Sprintf("the peak held %.0f s only", own.Values["peak_held_s"])
	case good > peakMax*peak:
		j.open = "more than the peak, which was none"
	default:
		j.open = unoffered(own)
	}
	return j
}
