package server

import (
	"needletail/internal/frame"

	"github.com/prometheus/client_golang/prometheus"
)

// portCollector reads what the ports counted when it is asked: what the kernel
// dropped before them, and what was no query.
type portCollector struct{ workers *workers }

var (
	portDesc  = describe("port_total", "What the ports counted, by what.", "what")
	faultDesc = describe("frame_faults_total", "Frames that were no DHCP query, by reason.", "reason")
)

// Describe implements prometheus.Collector.
func (c *portCollector) Describe(to chan<- *prometheus.Desc) {
	to <- portDesc
	to <- faultDesc
}

// Collect implements prometheus.Collector.
func (c *portCollector) Collect(to chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, v uint64, label string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), label)
	}
	s := c.workers.portStats()
	for what, n := range map[string]uint64{
		"received": s.Received, "sent": s.Sent, "send-failed": s.SendFailed, "unroutable": s.Unroutable,
		"no-buffer": s.NoBuffer, "kernel-drops": s.KernelDrops, "not-for-us": s.NotForUs, "kernel-routed": s.KernelRouted,
		"neighbours-lost": s.NeighboursLost,
	} {
		count(portDesc, n, what)
	}
	for f, n := range s.Faults {
		if reason := frame.Fault(f); reason != frame.Whole {
			count(faultDesc, n, reason.String())
		}
	}
}
