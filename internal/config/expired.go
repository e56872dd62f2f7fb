package config

import "math"

// expiredDraft is expired-leases-processing as written.
type expiredDraft struct {
	wait, flush, hold, leases, time, cycles opt[int64]
}

// Limits as in Kea: cfg_expiration.cc.
var expiredTable = table[expiredDraft]{"expired-leases-processing", []key[expiredDraft]{
	number("reclaim-timer-wait-time", 0, math.MaxUint16, func(e *expiredDraft) *opt[int64] { return &e.wait }),
	number("flush-reclaimed-timer-wait-time", 0, math.MaxUint16, func(e *expiredDraft) *opt[int64] { return &e.flush }),
	number("hold-reclaimed-time", 0, math.MaxUint32, func(e *expiredDraft) *opt[int64] { return &e.hold }),
	number("max-reclaim-leases", 0, math.MaxUint32, func(e *expiredDraft) *opt[int64] { return &e.leases }),
	number("max-reclaim-time", 0, 10000, func(e *expiredDraft) *opt[int64] { return &e.time }),
	number("unwarned-reclaim-cycles", 0, math.MaxUint16, func(e *expiredDraft) *opt[int64] { return &e.cycles }),
}}

// expired fills in Kea's defaults (cfg_expiration.cc).
func (c *checker) expired(n *node) ExpiredLeases {
	var d expiredDraft
	if n != nil {
		expiredTable.load(c, n, &d)
	}
	return ExpiredLeases{
		ReclaimTimerWait:        inSeconds(d.wait.get(10)),
		FlushReclaimedTimerWait: inSeconds(d.flush.get(25)),
		HoldReclaimed:           inSeconds(d.hold.get(3600)),
		MaxReclaimLeases:        int(d.leases.get(100)),
		MaxReclaimTime:          inMillis(d.time.get(250)),
		UnwarnedReclaimCycles:   int(d.cycles.get(5)),
	}
}
