package server

import (
	"sync/atomic"

	"needletail/slowpath"

	"github.com/prometheus/client_golang/prometheus"
)

// messageNames are the DHCP message types as metrics label them (RFC 2132
// section 9.6 and successors); those not named are "other".
var messageNames = map[int]string{
	1: "discover", 2: "offer", 3: "request", 4: "decline", 5: "ack", 6: "nak", 7: "release", 8: "inform",
}

// collector reads the parts' counters when it is asked.
type collector struct {
	engine     *slowpath.Engine
	workers    *workers
	eventsLost *atomic.Uint64
}

var (
	receivedDesc = describe("queries_received_total", "DHCP queries by message type.", "type")
	sentDesc     = describe("replies_sent_total", "DHCP replies by message type.", "type")
	silenceDesc  = describe("silence_total", "Queries that got no reply, by reason.", "reason")
	reusedDesc   = describe("lease_cache_hits_total", "Renewals answered from the lease cache.")
	nextNetDesc  = describe("allocations_moved_on_total", "Allocations that moved on to another subnet of the shared network.")
	leftOutDesc  = describe("options_left_out_total", "Options that a reply had no room for.")
	eventsDesc   = describe("interface_events_lost_total", "Times that changes of interfaces were lost, and all looked at anew.")
	batchesDesc  = describe("batches_total", "Batches of lease changes sent to disk and partners.")
	inFlightDesc = describe("queries_in_flight", "Queries waiting for disk and partners.")
	shedDesc     = describe("queries_shed_total", "Queries given up under load, by reason.", "reason")
	writableDesc = describe("leases_writable", "1 while lease changes reach the disk.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("needletail_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{receivedDesc, sentDesc, silenceDesc, reusedDesc, nextNetDesc, leftOutDesc, eventsDesc, batchesDesc, inFlightDesc, shedDesc, writableDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	e, p := c.engine.Stats(), c.workers.stats()
	byType(e.Received[:], func(name string, n uint64) { count(receivedDesc, n, name) })
	byType(e.Sent[:], func(name string, n uint64) { count(sentDesc, n, name) })
	for _, s := range slowpath.Silences() {
		count(silenceDesc, e.Silence[s], s.String())
	}
	count(reusedDesc, e.Reused)
	count(nextNetDesc, e.NextNet)
	count(leftOutDesc, e.LeftOut)
	count(eventsDesc, c.eventsLost.Load())
	count(batchesDesc, p.Batches)
	for reason, n := range map[string]uint64{"in-flight": p.ShedInFlight, "backlog": p.ShedBacklog, "stale": p.ShedStale, "request": p.ShedRequest, "server-stopped": p.ShedMissed} {
		count(shedDesc, n, reason)
	}
	writable := 1.0
	if c.workers.health.Failing() {
		writable = 0
	}
	to <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(p.InFlight))
	to <- prometheus.MustNewConstMetric(writableDesc, prometheus.GaugeValue, writable)
}

func byType(counts []uint64, put func(string, uint64)) {
	var other uint64
	for code, n := range counts {
		if name, ok := messageNames[code]; ok {
			put(name, n)
		} else {
			other += n
		}
	}
	put("other", other)
}
