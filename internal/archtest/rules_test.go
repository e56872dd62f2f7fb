package archtest

// allowed lists, for each package (or tree, with /...), what of this module it
// may import. Nothing listed: nothing allowed. A new arrow is a decision:
// change docs/ARCHITECTURE.md, then this table.
var allowed = []rule{
	{"cmd/needletail-bench", []string{"bench/...", "internal/cli"}},
	{"cmd/needletail", []string{"internal/server", "internal/config", "internal/demo", "internal/cli"}},
	{"slowpath", []string{"leases", "internal/rfc3074", "internal/thread", values}},
	{"fastpath", []string{"bpf", "leases", "internal/rfc3074", "internal/xsk", values}},
	{"ha", []string{"leases", "internal/rfc3074", values}},
	{"ha/sim", []string{"ha", "leases", "internal/rfc3074", values}},
	{"leases", []string{"internal/clock", "internal/keastring"}},
	{"bpf", []string{"internal/rfc3074"}},
	{"bench/...", []string{"bench/...", "internal/rfc3074", "internal/xsk", "internal/thread", "internal/netif", "internal/netif/nettest"}},
	{"internal/server", []string{"slowpath", "fastpath", "ha", "leases", "internal/logging", "internal/leasecmds", values}},
	{"internal/leasecmds", []string{"leases", values}},
	{"internal/logging", []string{"internal/config"}},
	{"internal/transcript", []string{"leases", values}},
	{"internal/transcript/wire", []string{"internal/transcript", "internal/netif/nettest", values}},
	{"internal/netif/nettest", nil},
	{"internal/testbed", []string{"internal/netif/nettest"}},
	{"internal/demo", []string{"internal/testbed", "internal/netif/nettest", "internal/rfc3074"}},
	{"internal/netif", []string{"internal/frame"}},
	{"internal/config", []string{"internal/rfc3074", "internal/scope", "internal/keastring"}},
	{"internal/scope", []string{"internal/rfc3074"}},
	{"internal/rfc3074", nil},
	{"internal/frame", nil},
	{"internal/clock", nil},
	{"internal/keastring", nil},
	{"internal/control", []string{"internal/keastring"}},
	{"internal/xsk", nil},
	{"internal/thread", nil},
	{"internal/cli/mantest", []string{"internal/cli"}},
	{"internal/cli", nil},
	{"internal/archtest", nil},
	{"internal/gentest", nil},
}

// testAllowed is what tests may import besides.
var testAllowed = []rule{
	{"bpf", []string{"internal/rfc3074", "internal/scope", "internal/frame", "internal/netif/nettest"}},
	{"ha", []string{"internal/leasecmds"}},
	{"internal/e2e", []string{"slowpath", "leases", "internal/..."}},
	{"internal/e2eha", []string{"internal/testbed", "internal/rfc3074"}},
	{"internal/twin", []string{"slowpath", "fastpath", "leases", "internal/..."}},
	{"cmd/...", []string{"internal/..."}},
	{"...", []string{"internal/netif/nettest", "internal/cli/mantest", "internal/transcript/...", "internal/rfc3074", "internal/clock", "internal/gentest"}},
}

// values stands for the packages that hold values every part may speak of.
const values = "values"

var valuePackages = []string{"internal/frame", "internal/scope", "internal/config", "internal/rfc3074", "internal/clock", "internal/keastring", "internal/netif", "internal/control"}

// doors are the modules that one part opens for all.
var doors = []rule{
	{"github.com/dgraph-io/badger", []string{"leases"}},
	{"github.com/valyala/fasthttp", []string{"ha", "internal/control"}},
	{"github.com/vishvananda/netlink", []string{"internal/netif", "internal/netif/nettest"}},
	{"github.com/vishvananda/netns", []string{"internal/netif", "internal/netif/nettest"}},
	{"github.com/cilium/ebpf", []string{"bpf", "fastpath", "bench/..."}},
	{"github.com/spf13/cobra", []string{"cmd/...", "internal/cli/..."}},
	{"github.com/tailscale/hujson", []string{"internal/config"}},
}
