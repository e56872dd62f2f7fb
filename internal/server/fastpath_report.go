package server

import (
	"cmp"

	"needletail/fastpath"

	"github.com/prometheus/client_golang/prometheus"
)

// report is the fast path's section of status-get: what was asked for, what
// each interface really has, and what the program decided.
func (f *FastPath) report() map[string]any {
	if f.path == nil {
		return map[string]any{"xdp": fastpath.Off, "interfaces": []any{}, "reason": f.why}
	}
	counts := make(map[string]uint64)
	for _, v := range f.path.Verdicts() {
		counts[v.Name] = v.Frames
	}
	interfaces := []any{}
	for _, a := range f.path.Active() {
		interfaces = append(interfaces, map[string]any{
			"name": a.Interface, "driver": a.Driver, "xdp": a.XDP, "queues": a.Queues,
			"af-xdp": socketMode(a), "af-xdp-queues": a.Sockets, "live-queues": a.Live, "remarks": append([]string{}, a.Remarks...),
		})
	}
	return map[string]any{
		"xdp": cmp.Or(f.started.XDP, fastpath.Auto), "af-xdp": cmp.Or(f.started.AFXDP, fastpath.On),
		"workers": f.path.Workers(), "interfaces": interfaces, "verdicts": counts,
	}
}

// socketMode tells how served queries reach user space: zero-copy only if no
// queue is copied.
func socketMode(a fastpath.Active) string {
	switch {
	case a.Sockets == 0:
		return fastpath.Off
	case a.ZeroCopy == a.Sockets:
		return fastpath.ZeroCopy
	}
	return "copy"
}

// verdicts reads the program's counters, and what interfaces have, when
// metrics are asked for.
type verdicts struct{ path *fastpath.Path }

var (
	verdictDesc = describe("xdp_verdicts_total", "Frames by what the XDP program decided.", "verdict")
	activeDesc  = describe("fast_path_queues", "Queues of an interface with an AF_XDP socket, by what it really has.", "interface", "xdp", "af_xdp")
)

// Describe implements prometheus.Collector.
func (verdicts) Describe(to chan<- *prometheus.Desc) {
	to <- verdictDesc
	to <- activeDesc
}

// Collect implements prometheus.Collector.
func (v verdicts) Collect(to chan<- prometheus.Metric) {
	for _, one := range v.path.Verdicts() {
		to <- prometheus.MustNewConstMetric(verdictDesc, prometheus.CounterValue, float64(one.Frames), one.Name)
	}
	for _, a := range v.path.Active() {
		to <- prometheus.MustNewConstMetric(activeDesc, prometheus.GaugeValue, float64(a.Sockets), a.Interface, a.XDP, socketMode(a))
	}
}
