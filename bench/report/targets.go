package report

import (
	"cmp"
	"fmt"
	"slices"

	"needletail/bench/record"
)

// A target is what the project promises of one work, and how records answer.
type target struct {
	work    string
	promise string
	// judge returns the measured text, Kea's beside it, and by how much the
	// promise is kept (1 or more) or missed; ok is false without records.
	judge func(*results) (own, peer string, kept float64, ok bool)
}

const ours, kea = "needletail", "kea"

var targets = []target{
	{"DORA, one server, synced before ACK", "at least 8 times Kea (aim 20)", ratio("dora", "sync", 8)},
	{"DORA, one server, durability `os`, Kea's own promise", "at least 10 times Kea (aim 25)", ratio("dora", "os", 10)},
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
	{"goodput at 3 times overload", "at least 80 % of the peak", overload},
}

// judgeNewest judges by the newest run that has what the target needs: figures
// of different runs are never set against each other.
func (t *target) judgeNewest(all []record.Record) (own, peer string, kept float64, ok bool) {
	names := runs(all)
	slices.Sort(names) // runs are named by their time
	for _, name := range slices.Backward(names) {
		var one results
		for _, r := range all {
			if r.Run == name {
				one.all = append(one.all, r)
			}
		}
		if own, peer, kept, ok = t.judge(&one); ok {
			return own, peer, kept, ok
		}
	}
	return "", "", 0, false
}

// results are the records, all of one run, that targets look at.
type results struct{ all []record.Record }

// best returns the record of a work and server with the highest rate; durability
// "" is any.
func (r *results) best(work, server, durability string) *record.Record {
	return r.most(work, server, durability, func(rec *record.Record) float64 {
		if rec.Result == nil {
			return 0
		}
		return rec.Result.PerSecond
	})
}

func (r *results) most(work, server, durability string, by func(*record.Record) float64) *record.Record {
	var of []*record.Record
	for i := range r.all {
		rec := &r.all[i]
		if rec.Work == work && rec.Server.Name == server && (durability == "" || rec.Server.Durability == durability) {
			of = append(of, rec)
		}
	}
	if len(of) == 0 {
		return nil
	}
	return slices.MaxFunc(of, func(a, b *record.Record) int { return cmp.Compare(by(a), by(b)) })
}

// ratio judges a rate against Kea's in the same work.
func ratio(work, durability string, least float64) func(*results) (string, string, float64, bool) {
	return func(r *results) (string, string, float64, bool) {
		own, peer := r.best(work, ours, durability), r.best(work, kea, "")
		if own == nil || peer == nil {
			return "", "", 0, false
		}
		times := own.Result.PerSecond / peer.Result.PerSecond
		return fmt.Sprintf("%.1f times: %s/s", times, count(own.Result.PerSecond)), count(peer.Result.PerSecond) + "/s", times / least, true
	}
}

// perSecondOfCPU is exchanges done for each processor second of the servers.
func perSecondOfCPU(r *record.Record) float64 {
	if r == nil || r.Result == nil || r.CPU.Server <= 0 {
		return 0
	}
	return float64(r.Result.Completed) / r.CPU.Server
}

func pairShare(r *results) (string, string, float64, bool) {
	share := func(server, durability string) float64 {
		pair := r.best("pair-dora", server, durability)
		one := r.best("dora", server, durability)
		if pair == nil || perSecondOfCPU(one) == 0 {
			return 0
		}
		return perSecondOfCPU(pair) / perSecondOfCPU(one)
	}
	own, peer := share(ours, "sync"), share(kea, "")
	return percent(own), percent(peer), own / 0.6, own > 0
}

// refusals compares what needletail refuses without loss with the most that
// Kea refused at any rate, with whatever loss.
func refusals(r *results) (string, string, float64, bool) {
	value := func(rec *record.Record) float64 { return rec.Values["refused_per_s"] }
	own, peer := r.most("refuse", ours, "", value), r.most("refuse", kea, "", value)
	if own == nil || peer == nil {
		return "", "", 0, false
	}
	lossless, most := own.Values["refused_per_s"], peer.Values["refused_most_per_s"]
	return fmt.Sprintf("%.0f times: %s/s", lossless/most, count(lossless)),
		fmt.Sprintf("%s/s with loss, %s/s without", count(most), count(peer.Values["refused_per_s"])), lossless / most / 50, true
}

func processor(r *results) (string, string, float64, bool) {
	const value = "server_cpu_s_per_100k"
	own, peer := r.best("cpu-at-5000", ours, "sync"), r.best("cpu-at-5000", kea, "")
	if own == nil || peer == nil || own.Values[value] == 0 {
		return "", "", 0, false
	}
	a, b := own.Values[value], peer.Values[value]
	return fmt.Sprintf("%.2f s, 1/%.1f", a, b/a), fmt.Sprintf("%.2f s", b), b / a / 5, true
}

func latencyAtHalf(r *results) (string, string, float64, bool) {
	own, peer := r.best("latency-at-half", ours, "sync"), r.best("latency-at-half", kea, "")
	if own == nil || peer == nil {
		return "", "", 0, false
	}
	sync := own.Values["disk_sync_us"]
	p := float64(own.Result.Latency["dora"].P99)
	return fmt.Sprintf("%s at %s/s; one sync %s", micros(p), count(own.Result.Rate), micros(sync)),
		micros(float64(peer.Result.Latency["dora"].P99)), (3000 + sync) / p, p > 0
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

func memory(n float64) func(*results) (string, string, float64, bool) {
	return func(r *results) (string, string, float64, bool) {
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
			return "", "", 0, false
		}
		return fmt.Sprintf("%.0f bytes", own), text, 128 / max(own, 1), true
	}
}

func startTime(r *results) (string, string, float64, bool) {
	own, ok := r.atPoint(ours, 1e6, "start_ms")
	peer, _ := r.atPoint(kea, 1e6, "start_ms")
	return fmt.Sprintf("%.1f s", own/1000), fmt.Sprintf("%.1f s", peer/1000), 3000 / max(own, 1), ok
}

func storm(r *results) (string, string, float64, bool) {
	own := r.best("timeline/reboot-storm", ours, "")
	if own == nil {
		return "", "", 0, false
	}
	all := own.Result.Completed + own.Result.Failed + own.Result.Skipped
	bound := float64(own.Result.Completed) / float64(max(all, 1))
	return fmt.Sprintf("%s of %s bound, the last after %.0f s", count(float64(own.Result.Completed)), count(float64(all)), own.Values["last_bound_s"]), "", bound, true
}

func overload(r *results) (string, string, float64, bool) {
	own := r.best("timeline/overload", ours, "")
	if own == nil || own.Values["peak_per_s"] == 0 {
		return "", "", 0, false
	}
	share := own.Values["goodput_per_s"] / own.Values["peak_per_s"]
	return fmt.Sprintf("%s: %s/s of %s/s", percent(share), count(own.Values["goodput_per_s"]), count(own.Values["peak_per_s"])), "", share / 0.8, true
}
