package server

import (
	"math"
	"strconv"

	"needletail/leases"

	"github.com/prometheus/client_golang/prometheus"
)

// storeCollector reads the lease store's counters when it is asked.
type storeCollector struct{ store *leases.Store }

var (
	leasesDesc    = describe("leases", "Leases by subnet and state.", "subnet", "state")
	addressesDesc = describe("pool_addresses", "Addresses in pools, by subnet.", "subnet")
	orphansDesc   = describe("leases_orphaned", "Leases of subnets that are not configured.")
	changesDesc   = describe("lease_changes_total", "Lease changes written.")
	failuresDesc  = describe("commit_failures_total", "Commits that failed.")
	corruptDesc   = describe("store_values_refused", "Stored values that could not be read at start; such a lease keeps its address from everybody.")
	commitDesc    = describe("commit_seconds", "Time of a commit, from first write to sync.")
	memoryDesc    = describe("lease_table_bytes", "Memory of the lease tables.")
)

// Describe implements prometheus.Collector.
func (c *storeCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{leasesDesc, addressesDesc, orphansDesc, changesDesc, failuresDesc, corruptDesc, commitDesc, memoryDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *storeCollector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	s := c.store.Stats()
	for _, n := range s.Subnets {
		id := strconv.FormatUint(uint64(n.ID), 10)
		gauge(addressesDesc, float64(n.Pool), id)
		for state, count := range map[string]int64{
			"active": n.Active, "declined": n.Declined, "expired-reclaimed": n.Reclaimed, "released": n.Released, "offered": n.Offered,
		} {
			gauge(leasesDesc, float64(count), id, state)
		}
	}
	gauge(orphansDesc, float64(s.Orphans))
	gauge(corruptDesc, float64(s.Corrupt))
	gauge(memoryDesc, float64(s.Memory))
	to <- prometheus.MustNewConstMetric(changesDesc, prometheus.CounterValue, float64(s.Changes))
	to <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(s.Failures))
	count, buckets := commitTimes(&s)
	to <- prometheus.MustNewConstHistogram(commitDesc, count, s.SyncTotal.Seconds(), buckets)
}

// commitTimes makes Prometheus' running sums of the store's buckets, whose
// bounds are powers of two of a microsecond.
func commitTimes(s *leases.Stats) (uint64, map[float64]uint64) {
	buckets, sum := make(map[float64]uint64, len(s.SyncTimes)), uint64(0)
	for i, n := range s.SyncTimes {
		sum += n
		if i < len(s.SyncTimes)-1 { // the last has no bound
			buckets[math.Ldexp(1e-6, i)] = sum
		}
	}
	return sum, buckets
}
