package server

import (
	"needletail/ha"

	"github.com/prometheus/client_golang/prometheus"
)

// relationshipMetrics shows the relationships, as they are when it is asked.
// Without high availability it shows nothing.
type relationshipMetrics struct{ *partnership }

var (
	haStateDesc       = describe("ha_state", "1 for the state a relationship is in.", "relationship", "state")
	haPartnerDesc     = describe("ha_partner_state", "1 for the partner's last known state.", "relationship", "state")
	haInterruptedDesc = describe("ha_communication_interrupted", "1 while the partner was not heard for max-response-delay.", "relationship")
	haParkedDesc      = describe("ha_queries_parked", "Queries whose reply waits for a partner.", "relationship")
	haOverDesc        = describe("ha_queries_refused_total", "Queries refused because a partner is slow: beyond parked-packet-limit, or held too long.", "relationship")
	haUnsentDesc      = describe("ha_queries_unsent_total", "Queries whose lease changes the state kept from the partner.", "relationship")
	haBacklogDesc     = describe("ha_backlog_updates", "Lease updates queued in communication-recovery.", "relationship")
	haUpdatesDesc     = describe("ha_lease_updates_total", "Lease updates sent, by peer and outcome.", "relationship", "peer", "outcome")
)

// Describe implements prometheus.Collector.
func (relationshipMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{haStateDesc, haPartnerDesc, haInterruptedDesc, haParkedDesc, haOverDesc, haUnsentDesc, haBacklogDesc, haUpdatesDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m relationshipMetrics) Collect(to chan<- prometheus.Metric) {
	d := m.driver.Load()
	if d == nil {
		return
	}
	for _, s := range d.Stats() {
		collectRelationship(to, &s)
	}
}

func collectRelationship(to chan<- prometheus.Metric, s *ha.Stats) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{s.Name}, labels...)...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), append([]string{s.Name}, labels...)...)
	}
	gauge(haStateDesc, 1, s.State.String())
	gauge(haPartnerDesc, 1, s.Partner.String())
	interrupted := 0.0
	if s.Interrupted {
		interrupted = 1
	}
	gauge(haInterruptedDesc, interrupted)
	gauge(haParkedDesc, float64(s.Parked))
	count(haOverDesc, s.Overflowed)
	count(haUnsentDesc, s.Unsent)
	gauge(haBacklogDesc, float64(s.Backlog))
	for _, p := range s.Peers {
		count(haUpdatesDesc, p.Updated, p.Name, "updated")
		count(haUpdatesDesc, p.Conflicted, p.Name, "conflicted")
		count(haUpdatesDesc, p.Failed, p.Name, "failed")
		count(haUpdatesDesc, p.Dropped, p.Name, "dropped")
	}
}
