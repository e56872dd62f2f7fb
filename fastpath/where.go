package fastpath

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"

	"needletail/bpf"
)

// lookMax is how many clients one system call reads.
const lookMax = 4096

// UnackedRelays returns the relays that relationship i's unacked clients of the
// present epoch sit behind, as far as the program counted them: each once, in
// order, and 0.0.0.0 for clients on a link of ours. It reads all clients that the
// program remembers, a few milliseconds' work.
func (p *Path) UnackedRelays(i int) (relays []netip.Addr) {
	p.scopesMu.Lock()
	unacked := uint64(p.scopes[i].own)<<1 | 1
	p.scopesMu.Unlock()
	keys, known := make([]bpf.DhcpClientKey, lookMax), make([]bpf.DhcpClient, lookMax)
	var at ebpf.MapBatchCursor
	for {
		n, err := p.maps.Clients.BatchLookup(&at, keys, known, nil)
		for k := range n {
			if int(keys[k].Relationship) != i || known[k].Seen != unacked {
				continue
			}
			relay := address4(known[k].Relay)
			if at, found := slices.BinarySearchFunc(relays, relay, netip.Addr.Compare); !found {
				relays = slices.Insert(relays, at, relay)
			}
		}
		if err != nil { // read to the end, or closed
			return relays
		}
	}
}

// address4 is an address as it lies in memory.
func address4(word uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.NativeEndian.AppendUint32(nil, word)))
}
