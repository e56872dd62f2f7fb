package fastpath

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"needletail/bpf"
)

// shared are the maps that the programs of all interfaces share.
type shared struct {
	bpf.DhcpMaps
	Tables        *ebpf.Map `ebpf:".rodata"`      // one copy, which stays in the CPUs' caches
	Relationships *ebpf.Map `ebpf:".data.shared"` // how many
}

func (s *shared) setRelationships(n int) error {
	if err := s.Relationships.Put(uint32(0), uint32(n)); err != nil {
		return fmt.Errorf("set the number of relationships: %w", err)
	}
	return nil
}

// replacements names the maps as the program's source does.
func (s *shared) replacements() map[string]*ebpf.Map {
	return map[string]*ebpf.Map{
		"analyzed": s.Analyzed, "client_counts": s.ClientCounts, "clients": s.Clients,
		"counters": s.Counters, "events": s.Events, "scopes": s.Scopes, "scratch": s.Scratch,
		"subnets": s.Subnets, ".rodata": s.Tables, ".data.shared": s.Relationships,
	}
}

func (s *shared) Close() error {
	return errors.Join(s.DhcpMaps.Close(), s.Tables.Close(), s.Relationships.Close())
}
