package bpf

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// VerdictNames returns the names of all verdicts in order of their values, as
// the program's type information has them: VERDICT_NOT_DHCP is "not-dhcp".
func VerdictNames(spec *ebpf.CollectionSpec) ([]string, error) {
	var enum *btf.Enum
	if err := spec.Types.TypeByName("verdict", &enum); err != nil {
		return nil, fmt.Errorf("read the verdicts of the XDP program: %w", err)
	}
	names := make([]string, DhcpVerdictVERDICTS)
	for _, v := range enum.Values {
		if name, ok := strings.CutPrefix(v.Name, "VERDICT_"); ok && name != "PASSED_LAST" {
			names[v.Value] = strings.ReplaceAll(strings.ToLower(name), "_", "-")
		}
	}
	return names, nil
}
